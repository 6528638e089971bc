// Refuses requests that the proxy would pass on without saying where they end.
//
// http-proxy gives a DELETE or OPTIONS without Content-Length one of 0, and sends its body behind that: on a connection
// that all users share, a server takes it for the next request. CVE-2026-29057 is this in another product; in http-proxy
// it is open: https://github.com/http-party/node-http-proxy/issues/1721
// Codings other than `chunked` are passed on as they are, for every server behind to make of them what it likes.
//
// To be imported before the proxy, which makes its servers with `http.createServer`.
import http from "node:http";
import https from "node:https";

const METHODS = new Set(["DELETE", "OPTIONS"]);

function isCutWrongly({ method, headers }) {
  const coding = headers["transfer-encoding"];
  return coding !== undefined && (METHODS.has(method) || coding.toLowerCase() !== "chunked");
}

function refuse(response) {
  response.writeHead(411, { connection: "close", "content-type": "text/plain" });
  response.end("A body of this request needs a Content-Length\n");
}

function guarded(createServer) {
  return (...args) => {
    const at = args.findIndex((argument) => typeof argument === "function");
    const answer = args[at];
    if (answer) {
      args[at] = (request, response) => (isCutWrongly(request) ? refuse(response) : answer(request, response));
    }
    return createServer(...args);
  };
}

http.createServer = guarded(http.createServer);
https.createServer = guarded(https.createServer);
