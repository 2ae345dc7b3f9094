// A person at a device, who sees only what the app shows and speaks German.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { app, pictures } from './service.mjs';

// Root has no sandbox in Chromium; the rest keeps it from calling its vendor.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });

let count = 0;
/** A name that nobody in this database has. */
export const newName = (nick) => `${nick}-${process.pid}-${++count}`;
export const password = 'Ein Passwort, lang genug';

export class Person {
  /** At a device of its own: nothing is stored on it yet. */
  static async at(browser, { url = app.whole, ...options } = {}) {
    const context = await browser.newContext({
      locale: 'de-DE',
      timezoneId: 'Europe/Berlin',
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(30_000);
    const p = new Person();
    Object.assign(p, { context, url, page: await context.newPage() });
    return p;
  }

  async newTab() {
    const p = new Person();
    Object.assign(p, { context: this.context, url: this.url, name: this.name, page: await this.context.newPage() });
    return p;
  }

  // -- what a person does with any page --

  goTo = (path) => this.page.goto(`${this.url}/#${path}`);
  button = (name, where = this.page) => where.getByRole('button', { name, exact: typeof name === 'string' });
  click = (name, where) => this.button(name, where).click();
  field = (name, where = this.page) => where.getByRole('textbox', { name, exact: typeof name === 'string' });
  fill = (name, text, where) => this.field(name, where).fill(text);
  sees = (text) => this.page.getByText(text).first().waitFor();
  dialog = () => this.page.getByRole('dialog');
  async picture(name) {
    mkdirSync(pictures, { recursive: true });
    await this.page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  /** Until the service has all that was written here. */
  async synced() {
    await this.page.getByRole('button', { name: 'Abgleich: Alles abgeglichen' }).waitFor();
  }

  // -- account --

  async register(nick) {
    this.name = newName(nick);
    await this.goTo('/');
    await this.click('Noch kein Konto? Konto anlegen');
    await this.fill(/^Name/, this.name);
    await this.fill(/^Passwort/, password, this.page.locator('form'));
    await this.click('Konto anlegen', this.page.locator('form'));
    await this.click('Tresor anlegen');
    await this.page.getByRole('heading', { name: 'Missionen', level: 1 }).waitFor();
  }

  async signIn(name) {
    this.name = name;
    await this.goTo('/');
    await this.fill(/^Name/, name);
    await this.fill(/^Passwort/, password, this.page.locator('form'));
    await this.click('Anmelden', this.page.locator('form'));
  }

  // -- records --

  async addNote(title, text) {
    await this.goTo('/notes/new');
    await this.fill(/^Titel/, title);
    await this.fill(/^Text/, text);
    await this.click('Speichern');
    await this.page.getByText(title).first().waitFor();
  }

  /** In plain text: a mission may read it without a grant. */
  async addGoal(title, { current = '1', target = '3' } = {}) {
    await this.goTo('/goals/new');
    await this.fill(/^Titel/, title);
    await this.page.getByLabel(/^Stand/).fill(current);
    await this.page.getByLabel(/^Ziel/).fill(target);
    await this.click('Speichern');
    await this.page.getByText(title).first().waitFor();
  }

  // -- missions --

  /** Plans each morning; `inputs` by title. Ends at the mission's page. */
  async addMission(title, { objective = 'Hilf mir, nichts liegen zu lassen.', inputs = [] } = {}) {
    await this.goTo('/missions/new');
    await this.fill(/^Titel/, title);
    await this.fill(/^Auftrag/, objective);
    for (const input of inputs) await this.page.getByRole('checkbox', { name: input }).check();
    await this.click('Mission anlegen');
    await this.page.getByRole('heading', { name: title, level: 1 }).waitFor();
    return this.page.url().split('/').at(-1);
  }

  serverAccess = () => this.page.getByRole('region', { name: 'Server-Zugriff' });

  async openConsent() {
    await this.serverAccess().getByRole('button', { name: /erteilen/i }).click();
    await this.dialog().waitFor();
  }

  async consent(duration = '7 Tage') {
    await this.openConsent();
    await this.dialog().getByRole('radio', { name: duration }).check();
    await this.click('Zugriff erteilen', this.dialog());
    await this.serverAccess().getByText('aktiv', { exact: true }).waitFor();
    await this.synced();
  }

  /** The ghost cards of what is proposed. */
  proposals = () => this.page.getByRole('article').filter({ has: this.page.getByRole('button', { name: /^Annehmen/ }) });
}
