/** A semaphore with its arm raised, the way is clear: the same mark as public/favicon.svg. */
export function Logo() {
  return (
    <svg aria-hidden="true" width="24" height="24" viewBox="0 0 32 32" fill="none" strokeLinecap="round">
      <rect width="32" height="32" rx="8" className="fill-mark" />
      <path d="M10 26V9M6.5 26h19" stroke="#f4f5f7" strokeWidth="2.6" />
      <path d="M10 12.5 24 7.2" stroke="#34d399" strokeWidth="4.4" />
      <circle cx="10" cy="12.5" r="2.7" fill="#f4f5f7" />
    </svg>
  );
}
