// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";

// TELEMETRY_GATEWAY: where `scripts/dashboard dev` finds a gateway.
const gateway = process.env.TELEMETRY_GATEWAY ?? "http://127.0.0.1:8080";
const proxied = { target: gateway, ws: true, changeOrigin: true, rewriteWsOrigin: true };

export default defineConfig({
  // Every page lies one level below the root, so that relative addresses hold behind any proxy.
  base: "./",
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the gateway forbids data: addresses
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    license: { fileName: "licenses.md" },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": proxied, "/ws": proxied, "/metrics": proxied, "/health": proxied },
  },
});
