// Ask the API who I am, with Node's own https module: a token by certificate, then one call with both.
//
// usage: node client.mjs <client id>
// Reads .local/endpoints.json; for a real deployment set BASE_URL, CERT and KEY.

import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";

const USAGE = "usage: node client.mjs <client id>";
const HELP = `${USAGE}
Reads .local/endpoints.json; for a real deployment set BASE_URL, CERT and KEY.`;
const TIMEOUT_MILLISECONDS = 10_000;

class UsageError extends Error {}

function readConnection([clientId], env) {
  if (clientId === undefined) throw new UsageError(USAGE);
  const local = env.MTLS_LOCAL_DIR ?? ".local";
  const endpoint = env.BASE_URL
    ? { base_url: env.BASE_URL, address: env.ADDRESS, server_ca: env.SERVER_CA }
    : localEndpoint(join(local, "endpoints.json"), env.ENVIRONMENT ?? "dev");
  const folder = join(local, "clients", clientId);
  return {
    clientId,
    scope: env.SCOPE ?? "api/read",
    baseUrl: new URL(endpoint.base_url),
    address: endpoint.address || undefined,
    tls: {
      cert: read(env.CERT ?? join(folder, "client.crt")),
      key: read(env.KEY ?? join(folder, "client.key")),
      ca: endpoint.server_ca ? read(endpoint.server_ca) : undefined,
    },
  };
}

function localEndpoint(file, name) {
  const endpoints = JSON.parse(
    read(file, "start the platform with `make demo`, or set BASE_URL for another deployment"),
  );
  if (!(name in endpoints)) {
    throw new UsageError(`${file} knows no environment "${name}", only ${Object.keys(endpoints)}`);
  }
  return endpoints[name];
}

function read(file, hint = "set CERT and KEY to PEM files") {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error.code}\nhint: ${hint}`);
  }
}

// The name stays the URL's for SNI, certificate check and Host header; only the address may differ.
function request({ baseUrl, address, tls }, path, { method = "GET", headers = {}, body } = {}) {
  const [, host, port] = address?.match(/^(.*):(\d+)$/) ?? [];
  const options = {
    ...tls,
    method,
    path,
    host: host ?? baseUrl.hostname,
    port: port ?? baseUrl.port,
    servername: baseUrl.hostname,
    headers: { Host: baseUrl.host, ...headers },
    timeout: TIMEOUT_MILLISECONDS,
  };
  return new Promise((resolve, reject) => {
    const outgoing = https.request(options, async (incoming) => {
      try {
        const text = Buffer.concat(await incoming.toArray()).toString();
        if (incoming.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${path} answered ${incoming.statusCode}: ${text}`));
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("timed out")));
    outgoing.on("error", (error) =>
      reject(new Error(`no answer from ${baseUrl.origin}: ${error.message}`)),
    );
    outgoing.end(body);
  });
}

async function whoami(connection) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: connection.clientId,
    scope: connection.scope,
  });
  const { access_token: token } = await request(connection, "/token", {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  return request(connection, "/whoami", { headers: { Authorization: `Bearer ${token}` } });
}

try {
  const args = process.argv.slice(2);
  if (["-h", "--help"].includes(args[0])) console.log(HELP);
  else console.log(JSON.stringify(await whoami(readConnection(args, process.env)), null, 2));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
