import type { consent as de } from '../de/consent';
import type { Words } from '../types';

export const consent: Words<typeof de> = {
  title: 'Grant server access',
  intro_one: 'For “{{mission}}” the server will be able to read this one entry:',
  intro_other: 'For “{{mission}}” the server will be able to read these {{count}} entries:',
  table_one: '{{name}}: one entry',
  table_other: '{{name}}: {{count}} entries',
  gone_one: 'One entry is not here (any more) and is not granted.',
  gone_other: '{{count}} entries are not here (any more) and are not granted.',
  duration: 'For how long?',
  durations: { hour: '1 hour', day: '1 day', week: '7 days', month: '30 days' },
  until: 'Until {{when}}',
  what: 'What this means',
  llm: 'For planning, the text of these entries goes to the language model {{model}} at {{host}}.',
  llmStandIn:
    'For planning, the text of these entries goes to {{model}} at {{host}}. That is a stand-in without a real language model.',
  llmFallback: 'If {{host}} does not answer, the text goes to {{hosts}} instead.',
  llmLoading:
    'For planning, the text of these entries goes to the configured language model. Asking which one …',
  llmUnknown:
    'For planning, the text of these entries goes to the configured language model. Which one could not be found out just now.',
  log: 'Each decryption is logged. You find it under',
  logLink: 'Workbench → Data access',
  withdraw: 'You can withdraw the access at any time.',
  irrevocable:
    'What was read until then cannot be taken back: text that has been at the language model, and plans made from it.',
  confirm: 'Grant access',
  step: {
    reseal: 'Preparing entries …',
    push: 'Syncing changes …',
    issue: 'Granting access …',
    store: 'Saving access …',
  },
  granted: 'Access granted.',
  retry: 'Try again',
  problem: {
    zeroKnowledge: {
      title: 'Zero-knowledge is on',
      text: 'The server has no key that could open your entries. That is how it should be. Plan this mission in the browser, or switch zero-knowledge off in the settings.',
    },
    notConfigured: {
      title: 'This server is not set up for it',
      text: 'It lacks the key that access is issued for. Ask whoever runs it. You can still plan the mission in the browser.',
    },
    noVault: {
      title: 'There is no vault yet',
      text: 'Without a vault there is no key that could be shared. Set it up in the settings and try again.',
    },
    offline: {
      title: 'You are offline',
      text: 'Access is issued by the server, which needs the network. Nothing is lost: try again once you are online.',
    },
    rateLimited: {
      title: 'Too many requests',
      text: 'You have granted access many times in a short while. Try again {{when}}.',
      textLater: 'You have granted access many times in a short while. Try again later.',
    },
    tooMany: {
      title: 'Too many entries',
      text: 'One grant covers at most {{max}} entries. Take inputs out of the mission, or split it into several.',
    },
    nothing: {
      title: 'Nothing to grant',
      text: 'None of the encrypted entries of this mission is here. Choose other inputs, or sync this device first.',
    },
    unreadable: {
      title: 'An entry does not open',
      text: 'At least one entry does not open with your key, so it cannot be shared. Take it out of the inputs and try again.',
    },
    refusedWrites: {
      title: 'A change was not accepted',
      text: 'The server refused a change to one of these entries. Look under settings → sync, then try again.',
    },
    wrongScope: {
      title: 'The answer does not match the request',
      text: 'The server issued another access than you wanted to grant. It was not taken. Try again, and report it if it happens again.',
    },
    signedOut: {
      title: 'Your sign-in has expired',
      text: 'Sign in again, then grant access once more.',
    },
    unreachable: {
      title: 'The server is not ready just now',
      text: 'Try again in a few minutes. No access was stored. ({{code}})',
    },
    other: {
      title: 'That did not work',
      text: 'No access was stored. Try again, and give this code if you need help: {{code}}',
    },
  },
};
