/** A box that may be too small for what is in it: where it is, the keyboard reaches and scrolls it. */

import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';

import { useFrameState } from './frameState';

export interface ReachableProps {
  readonly className: string;
  /** What is in it, for those who hear it. */
  readonly label: string;
  /** Whether its end is seen, as of a traceback or of what still comes, unless a person scrolls away from there. */
  readonly startsAtEnd?: boolean;
  readonly children: ReactNode;
}

/** What a person scrolls by. */
const TOUCHES = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;

export function Reachable({ className, label, startsAtEnd = false, children }: ReachableProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useFrameState(false);
  useEffect(() => {
    const { current } = box;
    if (!current || typeof ResizeObserver === 'undefined') {
      return;
    }
    let isTouched = !startsAtEnd;
    const touch = (): void => void (isTouched = true);
    const follow = (): void => {
      if (startsAtEnd && current.scrollHeight - current.scrollTop - current.clientHeight < 8) {
        isTouched = false;
      }
    };
    TOUCHES.forEach(kind => current.addEventListener(kind, touch, { passive: true }));
    current.addEventListener('scroll', follow, { passive: true });
    const look = (): void => {
      setScrolls(
        current.scrollHeight > current.clientHeight + 1 || current.scrollWidth > current.clientWidth + 1
      );
      if (!isTouched) {
        current.scrollTop = current.scrollHeight;
      }
    };
    const observer = new ResizeObserver(look);
    observer.observe(current);
    Array.from(current.children, child => observer.observe(child));
    return () => {
      observer.disconnect();
      TOUCHES.forEach(kind => current.removeEventListener(kind, touch));
      current.removeEventListener('scroll', follow);
    };
  }, [startsAtEnd, setScrolls]);
  const reached = scrolls ? { tabIndex: 0, role: 'region', 'aria-label': label } : {};
  return (
    <div ref={box} className={className} {...reached}>
      {children}
    </div>
  );
}
