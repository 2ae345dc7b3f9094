import { ai } from './ai';
import { common } from './common';
import { missions } from './missions';
import { modules } from './modules';
import { session } from './session';
import { workbench } from './workbench';

const de = { common, session, modules, missions, ai, workbench };
export default de;
