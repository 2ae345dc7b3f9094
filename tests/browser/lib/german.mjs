// Words that only the German dictionary of the app has, to find them where English is spoken.
import { readdirSync, readFileSync } from 'node:fs';

const dictionary = (language) => {
  const folder = new URL(`../../../http/webapp/src/i18n/${language}/`, import.meta.url);
  return readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
};
const wordsIn = (text) => (text.match(/\p{L}{3,}/gu) ?? []).map((word) => word.toLowerCase());

const strings = dictionary('de').match(/'(?:[^'\\\n]|\\.)*'/g);
const english = new Set(wordsIn(dictionary('en')));
const german = new Set(wordsIn(strings.join(' ')).filter((word) => !english.has(word)));

/** `except`: texts that are not the app's own. */
export function germanWords(text, except = []) {
  const own = except.reduce((rest, one) => rest.replaceAll(one, ' '), text);
  return [...new Set(wordsIn(own))].filter((word) => german.has(word));
}

/** All that the page says, also to those who do not see it. */
export const saidBy = (page) =>
  page.evaluate(() => {
    const attributes = ['aria-label', 'title', 'placeholder', 'alt'];
    const named = attributes.flatMap((name) =>
      [...document.querySelectorAll(`body [${name}]`)].map((e) => e.getAttribute(name)),
    );
    return [document.title, document.body.innerText, ...named].join('\n');
  });
