"""Values: records, checks, reports, names, errors, and the contents of a Store as one reading found them."""
