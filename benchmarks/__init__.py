"""What a Store costs, measured in one run beside its peers and beside what the disk and MD5 allow.

``python -m benchmarks`` is the entry; README.md says what is measured, and how.
"""
