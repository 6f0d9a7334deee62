// SPDX-License-Identifier: Apache-2.0
#include "gateway/front_end.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "telemetry/adapters/http.hpp"
#include "telemetry/web.hpp"

namespace telemetry {
namespace {

constexpr std::chrono::seconds retry{5};

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

class HttpFrontEnd {
 public:
  HttpFrontEnd(web::ServiceOptions options, const Config& config, Pipeline& pipeline,
               Environment environment, std::shared_ptr<LiveHub> live)
      : environment_(std::move(environment)) {
    options.version = TELEMETRY_VERSION;
    options.live = std::move(live);
    http_.host = options.host;
    http_.port = static_cast<std::uint16_t>(config.integer("web.port"));
    const bool is_open = !is_loopback(http_.host);
    if (is_open && !options.authenticator && !options.allow_insecure) {
      environment_.log(
          LogLevel::warn, "web",
          fmt::format("{}: nobody signs in, so 127.0.0.1 is served in the place of {}; "
                      "security.authentication.enabled: true lets people sign in",
                      config.where("web.host"), http_.host));
      http_.host = options.host = "127.0.0.1";
    } else if (is_open) {
      options.warnings.push_back(
          options.authenticator
              ? "passwords and keys cross the network unencrypted: let a proxy serve HTTPS"
              : "everybody who can reach the port sees everything: security.allow_insecure is "
                "true");
      environment_.log(LogLevel::warn, "web", options.warnings.back());
    }
    pipeline.api().set_time_limit(config.duration_ns("web.api.query_timeout"));
    service_ = web::make_service(options, config, pipeline, environment_);
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }
  ~HttpFrontEnd() {
    thread_.request_stop();
    thread_.join();
    if (server_) server_->stop();
  }
  HttpFrontEnd(const HttpFrontEnd&) = delete;
  HttpFrontEnd& operator=(const HttpFrontEnd&) = delete;

  /// Nothing while it cannot listen.
  [[nodiscard]] std::optional<std::uint64_t> rounds() const noexcept {
    const HttpServer* server = serving_;
    return server == nullptr ? std::nullopt : std::optional(server->rounds());
  }

 private:
  void listen(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    for (bool first = true;; first = false) {
      auto server = start_http_server(http_, *service_, environment_);
      if (server) {
        server_ = *std::move(server);
        serving_ = server_.get();
        const bool v6 = http_.host.find(':') != std::string::npos;
        environment_.log(LogLevel::info, "web",
                         fmt::format("serving http://{}{}{}:{}/", v6 ? "[" : "", http_.host,
                                     v6 ? "]" : "", server_->port()));
        return;
      }
      if (first) {
        environment_.log(LogLevel::error, "web",
                         fmt::format("{}; messages are stored meanwhile; next try in {} s",
                                     to_string(server.error()), retry.count()));
      }
      if (wake.wait_for(lock, stop, retry, [&] { return stop.stop_requested(); })) return;
    }
  }

  const Environment environment_;
  HttpOptions http_;
  std::unique_ptr<web::Handler> service_;
  std::unique_ptr<HttpServer> server_;
  std::atomic<const HttpServer*> serving_{nullptr};
  std::jthread thread_;
};

}  // namespace

Result<FrontEnd> serve_http(const Config& config, Pipeline& pipeline,
                            const Environment& environment, std::shared_ptr<LiveHub> live) {
  if (!config.boolean("web.enabled")) return FrontEnd{};
  auto options = web::service_options(config);
  if (!options) return options.error();
  if (config.boolean("security.authentication.enabled")) {
    AuthenticatorOptions accounts;
    accounts.accounts_path = accounts_path(config);
    auto authenticator = Authenticator::make(accounts, environment);
    if (!authenticator) return authenticator.error();
    options->authenticator = *std::move(authenticator);
  }
  const auto served = std::make_shared<HttpFrontEnd>(*std::move(options), config, pipeline,
                                                     environment, std::move(live));
  return FrontEnd{served, {"the web server", [&served = *served] { return served.rounds(); }}};
}

}  // namespace telemetry
