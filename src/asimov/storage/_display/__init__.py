"""Text and HTML: plain values come in, text goes out."""
