import { availableParallelism, totalmem } from 'node:os';

/** What this process may have. */
export interface ProcessLimits {
  /** Of its control group (v1 or v2) where that has less than the machine. */
  readonly memoryBytes: number;
  /** Processors. */
  readonly cpus: number;
}

export function processLimits(): ProcessLimits {
  // Without a limit it is 0, or a number beyond all memory.
  const constrained = process.constrainedMemory();
  const total = totalmem();
  const memoryBytes = constrained > 0 && constrained < total ? constrained : total;
  return Object.freeze({ memoryBytes, cpus: availableParallelism() });
}
