/**
 * The exit code of a command that did what it should and found something that somebody must look at; 1 is a failure of
 * the command and 2 wrong use of it.
 */
export const foundSomething = 3;
/** The exit code of a command that cannot know the answer now. */
export const notKnown = 4;
