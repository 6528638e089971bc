// What the proxy image runs.
//
//   run [ARGUMENT…]            configurable-http-proxy, its API guarded by the token in a file
//   secrets NAME=SECRET_ID …   fetch secrets from AWS Secrets Manager into files, then end
//
// SLIPWAY_SECRETS names the folder of those files.
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FOLDER = process.env.SLIPWAY_SECRETS || "/run/secrets/slipway";
const TOKEN = "proxy_auth_token";
const PROXY = new URL("node_modules/configurable-http-proxy/bin/configurable-http-proxy", import.meta.url);

const FAILED = 1;
const BAD_INPUT = 2;

class Problem extends Error {
  constructor(message, exitCode = FAILED) {
    super(message);
    this.exitCode = exitCode;
  }
}

async function run(args) {
  // --help counts in first place only: further on it may be the value of an option, and then the
  // proxy would start without a token, with an API that is open to everyone.
  if (args[0] !== "--help") {
    process.env.CONFIGPROXY_AUTH_TOKEN = await token(join(FOLDER, TOKEN));
  }
  // In this process, so that signals reach the proxy and no other process holds the token.
  process.argv = [process.argv[0], PROXY.pathname, ...args];
  await import("./lengths.mjs");
  await import(PROXY);
}

async function token(file) {
  const content = await readFile(file, "utf8").catch((error) => {
    throw new Problem(`the proxy's token cannot be read: ${error.message}`);
  });
  if (!content.trim()) {
    throw new Problem(`the proxy's token is empty: ${file}`);
  }
  return content.trim();
}

async function secrets(args) {
  const wanted = args.map(parse);
  if (wanted.length === 0) {
    throw new Problem("say which secrets to fetch: secrets NAME=SECRET_ID …", BAD_INPUT);
  }
  const region = process.env.AWS_REGION;
  if (!region) {
    throw new Problem("AWS_REGION is not set, it says where the secrets are", BAD_INPUT);
  }
  // Imported here, because `run` has no use for it and would start later.
  const { SecretsManager } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManager({
    region,
    maxAttempts: 5,
    // The SDK would wait for ever where a security group or a policy drops its packets.
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  // All or nothing: no file appears until every secret is here.
  const files = await Promise.all(
    wanted.map(async ({ name, id }) => ({ name, content: await fetchSecret(client, id) })),
  );
  for (const { name, content } of files) {
    await write(join(FOLDER, name), content);
  }
}

function parse(argument) {
  const [, name, id] = /^([A-Za-z0-9_-][A-Za-z0-9._-]*)=(.+)$/.exec(argument) ?? [];
  if (!name) {
    throw new Problem(`'${argument}' is not NAME=SECRET_ID, NAME being a file's name`, BAD_INPUT);
  }
  return { name, id };
}

async function fetchSecret(client, id) {
  const answer = await client.getSecretValue({ SecretId: id }).catch((error) => {
    throw new Problem(`the secret ${id} cannot be read: ${error.name}: ${error.message}`);
  });
  const content = answer.SecretString ?? answer.SecretBinary;
  if (!content?.length) {
    throw new Problem(`the secret ${id} is empty`);
  }
  return content;
}

/** Whoever reads `file` sees all of it or no file: a container may start while this runs. */
async function write(file, content) {
  const partial = `${file}.partial`;
  try {
    await rm(partial, { force: true }); // of an attempt that was killed; it could not be opened
    await writeFile(partial, content, { mode: 0o440, flag: "wx" });
    await rename(partial, file);
  } catch (error) {
    throw new Problem(`${file} cannot be written: ${error.message}`);
  }
}

const VERBS = { run, secrets };

const [verb, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(VERBS, verb ?? "")) {
    throw new Problem(`say what to do: ${Object.keys(VERBS).join(" or ")}`, BAD_INPUT);
  }
  await VERBS[verb](args);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`slipway-proxy: ${error.message.replaceAll(/\s+/g, " ")}`);
  process.exit(error.exitCode);
}
