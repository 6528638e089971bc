# Appended by Slipway: this interpreter runs on any distribution, and its OpenSSL looks for
# certificates only where Debian has them. A variable would be inherited by users' own programs.
def _set_default_verify_paths(self, _openssl=SSLContext.set_default_verify_paths):  # noqa: F821
    _openssl(self)
    found = get_default_verify_paths()  # noqa: F821
    if found.cafile or (found.capath and os.listdir(found.capath)):  # noqa: F821
        return
    for bundle in (
        "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat and its like
        "/etc/ssl/ca-bundle.pem",  # SUSE
        "/etc/ssl/cert.pem",  # Alpine without ca-certificates
        sys.base_prefix + "/ca-certificates.crt",  # noqa: F821 - ours, where there is none
    ):
        if os.path.exists(bundle):  # noqa: F821
            self.load_verify_locations(bundle)
            return


SSLContext.set_default_verify_paths = _set_default_verify_paths  # noqa: F821
