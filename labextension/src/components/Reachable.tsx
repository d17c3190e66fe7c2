/** A box that may be too small for what is in it: where it is, the keyboard reaches and scrolls it. */

import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';

export interface ReachableProps {
  readonly className: string;
  /** What is in it, for those who hear it. */
  readonly label: string;
  readonly children: ReactNode;
}

export function Reachable({ className, label, children }: ReachableProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const { current } = box;
    if (!current || typeof ResizeObserver === 'undefined') {
      return;
    }
    const look = (): void =>
      setScrolls(
        current.scrollHeight > current.clientHeight + 1 || current.scrollWidth > current.clientWidth + 1
      );
    const observer = new ResizeObserver(look);
    observer.observe(current);
    Array.from(current.children, child => observer.observe(child));
    return () => observer.disconnect();
  }, []);
  const reached = scrolls ? { tabIndex: 0, role: 'region', 'aria-label': label } : {};
  return (
    <div ref={box} className={className} {...reached}>
      {children}
    </div>
  );
}
