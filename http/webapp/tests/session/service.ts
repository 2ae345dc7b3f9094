// A model of sign-in and vault, behind fetch: the refresh token works once, and using it again ends its session.
import { fromBase64, randomBytes, toBase64 } from '$lib/crypto/bytes';
import { vi } from 'vitest';

interface User {
  userId: string;
  password: string;
  masterKey?: string;
  recovery?: { recoveryWrappedMk: string; recoveryIv: string };
  zeroKnowledge: boolean;
  rotatedAt: string | null;
}
export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
  token?: string;
}
export type Answer = [status: number, body?: unknown];

const failed = (status: number, code: string): Answer => [status, { error: code, code }];

export class Service {
  users = new Map<string, User>();
  online = true;
  /** The browser's cookie. */
  cookie: string | undefined;
  calls: Call[] = [];
  /** The answers to these paths get lost, once each. */
  lose: string[] = [];
  /** Called before each answer. */
  before: (call: Call) => Promise<void> | void = () => undefined;
  tokenLifetimeS = 900;
  private sessions = new Map<string, string>();
  private spent = new Set<string>();
  private tokens = new Map<string, string>();
  private counter = 0;

  install(): void {
    vi.stubGlobal('fetch', (url: string, options: RequestInit) => this.fetch(url, options));
  }
  paths = (): string[] => this.calls.map((c) => `${c.method} ${c.path}`);
  endSessions(): void {
    this.sessions.clear();
    this.tokens.clear();
  }
  forgetTokens(): void {
    this.tokens.clear();
  }

  private async fetch(url: string, options: RequestInit): Promise<Response> {
    const headers = options.headers as Record<string, string>;
    const call: Call = {
      method: options.method!,
      path: url,
      body: options.body ? (JSON.parse(options.body as string) as Record<string, unknown>) : null,
      token: headers.Authorization?.replace('Bearer ', ''),
    };
    this.calls.push(call);
    if (!this.online) throw new TypeError('fetch failed');
    await this.before(call);
    const [status, body] = await this.answer(call);
    if (this.lose.includes(url)) {
      this.lose.splice(this.lose.indexOf(url), 1);
      throw new TypeError('connection reset');
    }
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  }

  private session(user: User): Answer {
    this.cookie = `cookie-${++this.counter}`;
    this.sessions.set(this.cookie, user.userId);
    const iat = Math.floor(Date.now() / 1000);
    const payload = btoa(JSON.stringify({ iat, exp: iat + this.tokenLifetimeS, n: ++this.counter }));
    const accessToken = `x.${payload.replace(/=+$/, '')}.y`;
    this.tokens.set(accessToken, user.userId);
    return [
      200,
      {
        userId: user.userId,
        accessToken,
        expiresAt: new Date((iat + this.tokenLifetimeS) * 1000).toISOString(),
      },
    ];
  }
  private byId = (userId: string | undefined): User | undefined =>
    [...this.users.values()].find((u) => u.userId === userId);

  private answer(call: Call): Answer | Promise<Answer> {
    const { path, body } = call;
    if (path === '/config.json')
      return [200, { authUrl: '', syncUrl: '', runnerUrl: '', signIn: true, registration: true }];
    if (path.startsWith('/api/v1/auth/')) return this.auth(path.slice(13), body);
    const user = this.byId(call.token && this.tokens.get(call.token));
    if (!user) return failed(401, 'UNAUTHORIZED');
    if (path.startsWith('/api/v1/me/encryption-vault/')) return this.vault(user, path.slice(28), body);
    return this.others(call);
  }
  /** Paths beyond sign-in and vault, of a user who is known. */
  others: (call: Call) => Answer | Promise<Answer> = () => [200, null];

  private auth(path: string, body: Call['body']): Answer {
    const { name, password } = (body ?? {}) as { name: string; password: string };
    if (path === 'register') {
      if (this.users.has(name)) return failed(409, 'NAME_TAKEN');
      const userId = `${name}-${crypto.randomUUID()}`;
      this.users.set(name, { userId, password, zeroKnowledge: false, rotatedAt: null });
      return [201, { userId }];
    }
    if (path === 'login') {
      const user = this.users.get(name);
      return user?.password === password ? this.session(user) : failed(401, 'UNAUTHORIZED');
    }
    const cookie = this.cookie;
    if (path === 'logout') {
      if (cookie) this.sessions.delete(cookie);
      this.cookie = undefined;
      return [204];
    }
    if (cookie && this.spent.has(cookie)) this.endSessions();
    const user = cookie ? this.byId(this.sessions.get(cookie)) : undefined;
    if (!cookie || !user) return failed(401, 'UNAUTHORIZED');
    this.sessions.delete(cookie);
    this.spent.add(cookie);
    return this.session(user);
  }

  private vault(user: User, path: string, body: Call['body']): Answer {
    if (path === 'init') {
      if (user.masterKey || user.recovery) return failed(409, 'VAULT_EXISTS');
      user.masterKey = toBase64(randomBytes(32));
      return [201, { masterKey: user.masterKey }];
    }
    if (path === 'status')
      return [
        200,
        {
          initialised: Boolean(user.masterKey ?? user.recovery),
          zeroKnowledge: user.zeroKnowledge,
          hasRecoveryWrap: user.recovery !== undefined,
          rotatedAt: user.rotatedAt,
        },
      ];
    if (!user.masterKey && !user.recovery) return failed(404, 'VAULT_NOT_INITIALISED');
    if (path === 'key')
      return user.zeroKnowledge
        ? [200, { requiresRecoveryCode: true, ...user.recovery }]
        : [200, { masterKey: user.masterKey }];
    if (path === 'recovery-wrap') {
      user.recovery = body as unknown as User['recovery'];
      return [204];
    }
    if (body?.enable === true) {
      if (!user.recovery) return failed(409, 'RECOVERY_WRAP_MISSING');
      user.zeroKnowledge = true;
      user.masterKey = undefined;
      return [204];
    }
    if (fromBase64(body?.masterKey as string)?.length !== 32) return failed(400, 'BAD_REQUEST');
    user.zeroKnowledge = false;
    user.masterKey = body?.masterKey as string;
    return [204];
  }
}

/** localStorage, which Node does not have. */
export function installStorage(): Map<string, string> {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
  return kept;
}
