// The HTTP API as the browser app calls it.

// A status that was not asked for.
export class HttpError extends Error {
  constructor(method, path, status, body) {
    super(`${method} ${path}: ${status} ${JSON.stringify({ error: body?.error, code: body?.code })}`);
    this.status = status;
  }
}

export class Api {
  constructor(base, session) {
    this.base = base;
    this.session = session;
  }

  async call(method, path, { body, cookie } = {}) {
    const { accessToken } = this.session.state;
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(cookie && { Cookie: cookie }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : null;
    if (!response.ok) throw new HttpError(method, path, response.status, answer);
    return { answer, cookie: response.headers.get('set-cookie') };
  }

  async get(path) {
    return (await this.call('GET', path)).answer;
  }
  async post(path, body) {
    return (await this.call('POST', path, { body })).answer;
  }
}

// -- sign-in ------------------------------------------------------------------------------------------------------

const auth = '/api/v1/auth';

function keep(session, { answer, cookie }) {
  Object.assign(session.state, { userId: answer.userId, accessToken: answer.accessToken });
  // Its name and value; the attributes are the browser's business.
  if (cookie) session.state.cookie = cookie.split(';')[0];
}

export const register = (api, credentials) => api.post(`${auth}/register`, credentials);

export async function signIn(api, credentials) {
  keep(api.session, await api.call('POST', `${auth}/login`, { body: credentials }));
}

export async function refresh(api) {
  keep(api.session, await api.call('POST', `${auth}/refresh`, { cookie: api.session.state.cookie }));
}

// -- vault and grants ---------------------------------------------------------------------------------------------

const vault = '/api/v1/me/encryption-vault';

export const initVault = async (api) => (await api.post(`${vault}/init`)).masterKey;
export const fetchMasterKey = async (api) => (await api.get(`${vault}/key`)).masterKey;
export const requestGrant = (api, asked) => api.post('/api/v1/me/ai-mission-grant', asked);

// -- audit --------------------------------------------------------------------------------------------------------

const audit = '/api/v1/me/ai-audit';

// All rows, newest first, page by page.
export async function auditRows(api, { missionId, limit = 1000 } = {}) {
  const rows = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit, ...(missionId && { missionId }), ...(cursor && { cursor }) });
    const page = await api.get(`${audit}?${query}`);
    if (page.rows.length > limit) throw new Error('a page is longer than its limit');
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor);
  return rows;
}

export const auditVerdict = (api) => api.get(`${audit}/verify`);
export const auditHead = (api) => api.get(`${audit}/head`);
