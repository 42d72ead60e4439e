"""Values: records, checks, reports, names, errors, and what one reading of a Store says."""
