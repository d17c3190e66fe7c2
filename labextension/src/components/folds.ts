/** What is folded or unfolded by hand, remembered while parts of a long list come and go. */

import { createContext, useContext, useState } from 'react';

/** Whether each part is open, by its id. */
export type Folds = Map<string, boolean>;

const FoldsContext = createContext<Folds>(new Map());

export const FoldsProvider = FoldsContext.Provider;

/** Whether the part `id` is open, and how to change that. */
export function useFold(id: string, isOpenAtFirst: boolean): [boolean, (isOpen: boolean) => void] {
  const folds = useContext(FoldsContext);
  const [isOpen, setOpen] = useState(folds.get(id) ?? isOpenAtFirst);
  const change = (next: boolean): void => {
    folds.set(id, next);
    setOpen(next);
  };
  return [isOpen, change];
}
