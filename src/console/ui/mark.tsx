// The mark of the project: two walls that draw near each other, as in a Venturi tube.

/** The mark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="currentColor" />
      <path
        d="M6 9c8 0 6 5 10 5s2-5 10-5M6 23c8 0 6-5 10-5s2 5 10 5"
        fill="none"
        stroke="var(--card)"
        stroke-width="2.6"
        stroke-linecap="round"
      />
    </svg>
  );
}
