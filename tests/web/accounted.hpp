// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "served.hpp"

namespace served {

inline constexpr const char* password = "correct horse battery";

inline running::FixedSource::Messages messages() {
  return {
      {"sensors/a/temperature",
       R"({"sensor_id":"sensor-001","temperature":20,"timestamp":"2026-11-20T08:00:00Z","seq":1})"},
      {"sensors/a/temperature", R"({"temperature":999})"},
      {"plant/secret", R"({"pressure":7})"},
      {"iot/dc/dc-001/telemetry", R"({"voltage":"broken"})"},
      {"iot/dc/dc-001/telemetry",
       R"({"device_id":"dc-001","timestamp":"2026-11-20T08:00:00Z","seq":1,"voltage":48,"current":1,"power":48,"energy":1})"}};
}

/// A gateway with accounts, and what each of them sends.
struct Accounted {
  Accounted() {
    const auto environment = system_environment();
    AccountsFile file(environment, folder.path("accounts.json"));
    const auto written = file.change([&](Accounts& accounts) -> Result<void> {
      const std::string hash = hash_password(password).value();
      const auto user = [&](const char* name, Role role,
                            std::optional<std::vector<std::string>> scope) {
        accounts.users.push_back({name, hash, role, std::move(scope)});
      };
      user("admin", Role::admin, std::nullopt);
      user("operator", Role::operator_, std::nullopt);
      user("viewer", Role::viewer, std::nullopt);
      user("scoped", Role::viewer, std::vector<std::string>{"sensors/#"});
      user("scoped-admin", Role::admin, std::vector<std::string>{"sensors/#"});
      NewApiKey key = make_api_key(environment);
      key.key.name = "board";
      key.key.scope = std::vector<std::string>{"sensors/#"};
      key_text = key.text;
      accounts.keys.push_back(key.key);
      return {};
    });
    INFO((written ? "" : to_string(written.error())));
    REQUIRE(written);
    AuthenticatorOptions options;
    options.accounts_path = file.path();
    auto made = Authenticator::make(options, environment);
    REQUIRE(made);
    web::ServiceOptions service;
    service.audit = [this](const web::Act& act, const Result<void>& outcome) {
      acts.push_back(std::string(act.who) + " " + std::string(act.what) + " " +
                     std::string(act.details) + (outcome ? "" : " failed"));
    };
    service.authenticator = *std::move(made);
    gateway.emplace(messages(), service);
    gateway->request.peer = "10.0.0.1";
  }
  /// From now on requests come from this one; empty: from nobody.
  void become(const std::string& user) {
    gateway->request.headers = {{"Host", "gateway.example"}};
    if (user.empty()) return;
    authorization = "Basic " + base64(user + ":" + password);
    gateway->request.headers.push_back({"Authorization", authorization});
  }
  /// With a JSON body.
  web::Response send(const std::string& method, const std::string& target,
                     const std::string& body = {}) {
    gateway->request.method = method;
    gateway->request.body = body;
    gateway->request.headers.push_back({"Content-Type", "application/json"});
    web::Response response = gateway->get(target);
    gateway->request.headers.pop_back();
    gateway->request.method = "GET";
    gateway->request.body = {};
    return response;
  }
  static std::string base64(const std::string& text) {
    static constexpr char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
      unsigned bits = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
      }
      for (std::size_t j = 0; j < 4; ++j) {
        out += i + j > text.size() ? '=' : digits[bits >> (18 - 6 * j) & 63];
      }
    }
    return out;
  }

  running::Folder folder;
  std::string key_text, authorization;
  std::vector<std::string> acts;  // for the audit file
  std::optional<Gateway> gateway;
};

}  // namespace served
