# Half of code-server is not for a server of ours: Copilot and its tools, source maps, other
# platforms' programs.
#
# usage: prune.sh FOLDER NODE
set -eu
cd "$1"
node=$2
platform=$($node -p '`${process.platform}-${process.arch}`')
vscode=node_modules/code-server/lib/vscode
rm -r bin .npmrc $vscode/extensions/copilot $vscode/node_modules/@github \
    $vscode/node_modules/@microsoft/mxc-sdk $vscode/node_modules/@devcontainers
rm -r $vscode/node_modules/@vscode/sqlite3/deps $vscode/extensions/mermaid-markdown-features/chat-webview-out
find . \( -name '*.map' -or -name '*.obj' -or -name '*.pdb' \) -delete
find . -path '*/prebuilds/*' -prune ! -name "$platform" -exec rm -r {} +
find $vscode/node_modules/@vscode/ripgrep-universal/bin -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} +
strip "$node"
