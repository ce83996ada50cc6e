import { Suite } from './suite.mjs';
export async function real() { return new Suite('real'); }
