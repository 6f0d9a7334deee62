// SPDX-License-Identifier: Apache-2.0
import { makeKept } from "../../app/store";

/** Topics that this browser keeps at hand. */
export const pins = makeKept<string[]>("pins", []);
export const togglePin = (topic: string) =>
  pins.set(pins.get().includes(topic) ? pins.get().filter((one) => one !== topic) : [...pins.get(), topic]);
