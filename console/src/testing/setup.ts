import { cleanup } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';
import { writeKey } from '../api/key.js';

// jsdom draws nothing, so it has no top layer; these two keep what the page can see of one.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.setAttribute('open', '');
};
HTMLDialogElement.prototype.close = function close() {
  this.removeAttribute('open');
};

beforeEach(() => {
  history.replaceState(null, '', '/admin/dashboard/');
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  localStorage.clear();
  writeKey(null);
  delete document.documentElement.dataset.theme;
});
