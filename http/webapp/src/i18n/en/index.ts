import type de from '../de';
import type { Words } from '../types';
import { ai } from './ai';
import { common } from './common';
import { missions } from './missions';
import { modules } from './modules';
import { session } from './session';
import { workbench } from './workbench';

const en: Words<typeof de> = { common, session, modules, missions, ai, workbench };
export default en;
