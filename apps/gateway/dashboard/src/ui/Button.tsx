// SPDX-License-Identifier: Apache-2.0
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "main" | "danger" | "quiet";
  icon?: IconName;
}
export function Button({ kind = "plain", icon, className = "", children, ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button button-${kind} ${className}`} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button with a picture alone. @param label  what it does, for who does not see the picture */
export function IconButton({ icon, label, kind = "quiet", ...rest }: Omit<ButtonProps, "icon"> & { icon: IconName; label: string }) {
  return (
    <Button kind={kind} className="button-icon" icon={icon} aria-label={label} title={label} {...rest} />
  );
}

/** One of a few, all of them seen. */
export function Choices<T extends string>({ label, options, value, onChange }: {
  label: string;
  options: readonly { value: T; text: ReactNode }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <div className="choices" role="group" aria-label={label}>
      {options.map((one) => (
        <Button key={one.value} aria-pressed={one.value === value} onClick={() => onChange(one.value)}>
          {one.text}
        </Button>
      ))}
    </div>
  );
}
