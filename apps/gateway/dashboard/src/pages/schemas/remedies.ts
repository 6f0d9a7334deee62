// SPDX-License-Identifier: Apache-2.0
import type { AnswerOf } from "../../api/client";

export type Fault = AnswerOf<"/api/schemas/{name}/validate", "post">["problems"][number];

/** Of each rule: what it is called, and what to do. */
const rules: Record<string, readonly [title: string, remedy: string]> = {
  json_syntax: ["Not JSON", "Send one JSON object. One that is cut off was often too large for the device's buffer."],
  json_depth: ["Nested too deeply", "Send fewer objects inside of objects."],
  json_utf8: ["Not UTF-8", "Send text as UTF-8."],
  json_surrogate: ["Half a character", "Write characters beyond U+FFFF as UTF-8 or as two \\u escapes."],
  number_range: ["Number too large", "Send a number that the type holds."],
  trailing_bytes: ["More than one document", "Send one JSON object a message; end the buffer behind it."],
  duplicate_key: ["A name twice", "Send each name once."],
  type: ["Wrong type", "Send a value of this type, or change the type in the schema."],
  required: ["Value missing", "Send it, or take required out of the schema."],
  unknown_field: ["Not in the schema", "Declare it in the schema, or set allow_extra_fields: true."],
  min: ["Below the range", "Check the sensor; if it is right, lower min in the schema."],
  max: ["Above the range", "Check the sensor; if it is right, raise max in the schema."],
  min_length: ["Text too short", "Send a longer text, or lower min_length in the schema."],
  max_length: ["Text too long", "Send a shorter text, or raise max_length in the schema."],
  pattern: ["Text of another form", "Send it in this form, or change pattern in the schema."],
  enum: ["Not among the values", "Send one of them, or add this one to enum in the schema."],
  min_items: ["List too short", "Send more items, or lower min_items in the schema."],
  max_items: ["List too long", "Send fewer items, or raise max_items in the schema."],
  time_format: ["No time", "Send RFC 3339, such as 2026-11-30T08:00:00Z, or name time_format in the schema."],
  requires: ["Goes with another", "Send both, or neither."],
  custom: ["Refused by a function", "The program that embeds the function says what it wants."],
  payload_too_large: ["Too large", "Send less in one message."],
  no_schema: ["No schema", "Write a schema for this topic; Schemas drafts one from the messages."],
  topic: ["Topic not taken", "Publish to a shorter topic without control characters."],
  comparison: ["Does not fit another field", "Check both values, or change the comparison in the schema."],
  json_schema: ["Breaks JSON Schema", "Send what the keyword allows, or change it in the schema."],
  "refused by a store": ["Refused by a store", "The log names the store. Mend it, then: telemetry dead-letter replay --refused"],
  none: ["Not told", "The letter's details say more."],
};

export const titleOf = (rule: string) => rules[rule]?.[0] ?? rule.replaceAll("_", " ");

/** Rules by what they allow: a payload that is tried is judged without their names. */
const byAllowed: readonly (readonly [RegExp, string])[] = [
  [/^(exclusive_)?min /, "min"],
  [/^(exclusive_)?max /, "max"],
  [/^min_length/, "min_length"],
  [/^max_length/, "max_length"],
  [/^min_items/, "min_items"],
  [/^max_items/, "max_items"],
  [/^type |^an object$/, "type"],
  [/^pattern /, "pattern"],
  [/^one of /, "enum"],
  [/^declared fields/, "unknown_field"],
  [/^one value/, "duplicate_key"],
  [/^a time of format/, "time_format"],
  [/^(an integer of 64 bits|the largest float)/, "number_range"],
];

export function ruleOfFault(fault: Fault): string | undefined {
  if (fault.rule !== undefined) return fault.rule;
  const allowed = fault.allowed ?? "";
  if (allowed === "a JSON object")
    return fault.message.includes("something follows") ? "trailing_bytes" : "json_syntax";
  if (allowed === "a value") return fault.message.includes("another field") ? "requires" : "required";
  return byAllowed.find(([form]) => form.test(allowed))?.[1];
}

/** What to do about a fault; empty where nothing more can be said. */
export const remedyOf = (fault: Fault): string => rules[ruleOfFault(fault) ?? ""]?.[1] ?? "";
