"""What a Store holds: the table, what its pages ask for, the selection and what is done with it."""
