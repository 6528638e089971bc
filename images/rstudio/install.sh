# Install RStudio Server from RSTUDIO_DEB, an https address or a file in /context, if it has the
# checksum RSTUDIO_SHA256.
set -eu
deb=/tmp/rstudio-server.deb

stop() { echo "rstudio: $*" >&2; exit 1; }

if [ -z "$RSTUDIO_DEB" ] || [ -z "$RSTUDIO_SHA256" ]; then
    stop "set the build arguments RSTUDIO_DEB, an https address or the name of a file in images/rstudio," \
        "and RSTUDIO_SHA256; both are on https://posit.co/download/rstudio-server/"
fi
case $RSTUDIO_DEB in
    https://*)
        if [ -f /run/secrets/ca.crt ]; then export CURL_CA_BUNDLE=/run/secrets/ca.crt; fi
        curl -fsSL --proto =https --output "$deb" "$RSTUDIO_DEB" || stop "$RSTUDIO_DEB cannot be downloaded" ;;
    */* | *:*) stop "RSTUDIO_DEB is '$RSTUDIO_DEB': give an https address, or the name of a file in images/rstudio" ;;
    *)
        [ -f "/context/$RSTUDIO_DEB" ] || stop "there is no file '$RSTUDIO_DEB' in images/rstudio"
        cp "/context/$RSTUDIO_DEB" "$deb" ;;
esac
echo "$RSTUDIO_SHA256  $deb" | sha256sum --check --quiet \
    || stop "the checksum of $RSTUDIO_DEB is not RSTUDIO_SHA256: nothing was installed"

# Its post-installation script makes it a service, starts that, and writes down the time.
dpkg --unpack --force-depends "$deb"
rm -f "/var/lib/dpkg/info/$(dpkg-deb --field "$deb" Package).postinst"
apt-get update
apt-get install -y --no-install-recommends --fix-broken
