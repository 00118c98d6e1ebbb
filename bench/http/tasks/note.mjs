// Loaded by the measured server through SIGNALBOX_TASKS.
import { task } from '../../../dist/index.js';
import { noteInput } from '../task-schema.mjs';

export const note = task({
  name: 'bench.note',
  input: noteInput,
  open: { permission: 'jobs:write', price: () => 0 },
  run: async () => undefined,
});
