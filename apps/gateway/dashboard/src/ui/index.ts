// SPDX-License-Identifier: Apache-2.0
import "./ui.css";

export * from "./Button";
export * from "./Copy";
export * from "./DetailHead";
export * from "./Dialog";
export * from "./Facts";
export * from "./Field";
export * from "./Icon";
export * from "./Link";
export * from "./Panel";
export * from "./Scroller";
export * from "./Spark";
export * from "./Table";
export * from "./Tabs";
export * from "./Text";
export * from "./Toast";
