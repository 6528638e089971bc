"""Images as the OCI specifications describe them: read, kept, copied, without any engine.

https://github.com/opencontainers/image-spec, https://github.com/opencontainers/distribution-spec
"""
