# Install the server's packages into its environment, pip into the users' interpreter, and
# jupyter-rsession-proxy into a folder of its own.
#
# usage: packages.sh PREFIX, beside the locks
set -eu
prefix=$1
locks=$(dirname "$0")

# One package's lines of a lock: its pin and its hashes.
entry() { awk -v start="$1==" 'index($0, start) == 1 {on = 1} on {print} on && !/\\$/ {exit}' "$2"; }
entry pip "$locks/requirements.txt" > "$locks/pip.txt"
entry jupyter-rsession-proxy "$locks/rstudio.txt" > "$locks/rsession-proxy.txt"
install() { uv pip install -q --no-deps --require-hashes "$@"; }

install --python "$prefix/bin/python" -r "$locks/requirements.txt"
uv pip uninstall -q --python "$prefix/bin/python" pip

# Where Debian's Python looks for packages.
install --python "$prefix/python/bin/python3" --target "$prefix/python/lib/python3/dist-packages" -r "$locks/pip.txt"
mv "$prefix"/python/lib/python3/dist-packages/bin/* "$prefix/python/bin/"
rmdir "$prefix/python/lib/python3/dist-packages/bin"
ln -s lib/python3/dist-packages/pip/_vendor/certifi/cacert.pem "$prefix/python/ca-certificates.crt"

# Its entry point puts a tile into every launcher that sees it: an image with RStudio shows it by
# making the file `enabled` beside it.
install --python "$prefix/bin/python" --target "$prefix/rsession-proxy" -r "$locks/rsession-proxy.txt"
site_packages=$("$prefix/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import os, sys; os.path.exists('$prefix/rsession-proxy/enabled') and sys.path.append('$prefix/rsession-proxy')" \
    > "$site_packages/rsession-proxy.pth"
