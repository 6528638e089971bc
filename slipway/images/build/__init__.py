"""Images from their folders: only what changed, reproducibly, with the builder that is here."""
