// A dialog over the page: the browser keeps the keyboard in it, and gives it back when it closes.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Fault } from "./api.ts";
import { Trouble } from "./parts.tsx";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A dialog, open for as long as it is there. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => element.current!.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** What the button says that does it. */
  readonly doing: string;
  readonly onDo: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before something is done that cannot be undone; stays open, and says why, where it fails. */
export function Confirm({ title, children, doing, onDo, onClose }: ConfirmProps) {
  const [is_waiting, setWaiting] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  const act = async () => {
    setWaiting(true);
    try {
      await onDo();
      onClose();
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
      setWaiting(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <Trouble fault={fault} />
      <div class="dialog-end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={is_waiting} onClick={() => void act()}>
          {is_waiting ? "Working…" : doing}
        </button>
      </div>
    </Dialog>
  );
}
