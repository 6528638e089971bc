"""Container images: building them, migrating existing ones, reading and storing OCI layouts."""
