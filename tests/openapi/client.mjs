// One call of the service, held against its document: the request as well as the answer.
import { appendFileSync, readFileSync } from 'node:fs';
import { Document } from './document.mjs';
import { exchange } from './http.mjs';

const { env } = process;
export const documentText = readFileSync(new URL('../../http/openapi/openapi.json', import.meta.url), 'utf8');
export const document = new Document(JSON.parse(documentText));
export const problems = [];
export const complain = (text) => problems.push(text);

export const json = (value) => ({ body: JSON.stringify(value) });
const typeOf = (body) => body !== undefined && { 'Content-Type': 'application/json' };
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });
export const serviceKey = { 'X-Service-Key': env.MANA_SERVICE_KEY };
export const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

// Sends it, and holds request and answer against the document. `status` and `code`: what has to come. A request that is
// answered with success has to be documented as right; one that is answered with 400 as wrong, unless `beyondSchema`.
export async function call(
  id,
  target,
  { status, code, base = env.MANA_APP_URL, headers = {}, body, beyondSchema = false, generic = false } = {},
) {
  const operation = document.operation(id);
  const url = new URL(target, base);
  const what = `${operation.method} ${target.slice(0, 100)}`;
  if (!generic && document.find(operation.method, url.pathname)?.operationId !== id) complain(`${what} is not ${id}`);
  const answer = await exchange(base, operation.method, target, { headers: { ...typeOf(body), ...headers }, body });
  appendFileSync(env.MANA_SEEN, `${JSON.stringify([id, answer.status, parsed(answer.text)?.code ?? null])}\n`);
  const wrong = document.wrongAnswer(operation, answer);
  if (wrong) complain(`${what} -> ${answer.status}: ${wrong}`);
  const wanted = [status].flat();
  if (status !== undefined && !wanted.includes(answer.status))
    complain(`${what}: ${answer.status} instead of ${wanted}: ${answer.text.slice(0, 200)}`);
  const got = parsed(answer.text)?.code;
  if (code !== undefined && got !== code) complain(`${what}: code ${got} instead of ${code}`);
  if (!generic) compareRequest(operation, url, what, body, answer.status, beyondSchema);
  return { ...answer, json: parsed(answer.text) };
}

function compareRequest(operation, url, what, body, status, beyondSchema) {
  const text = body === undefined || body === '' ? undefined : body;
  const value = text === undefined ? undefined : parsed(text);
  const wrong =
    text !== undefined && value === undefined
      ? 'no JSON'
      : [document.wrongRequestBody(operation, value), document.wrongParameters(operation, url)]
          .filter(Boolean)
          .join('; ');
  if (status < 300 && wrong) complain(`${what} was taken, and is wrong by the document: ${wrong}`);
  if (status === 400 && !wrong && !beyondSchema)
    complain(`${what} was refused, and is right by the document: ${text ?? url.search}`);
}
