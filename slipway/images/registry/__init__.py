"""Images in registries and archives: everything that `skopeo` does for Slipway."""
