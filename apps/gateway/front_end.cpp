// SPDX-License-Identifier: Apache-2.0
#include "gateway/front_end.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "gateway/dashboard.hpp"
#include "process/audit.hpp"
#include "process/monitor.hpp"
#include "telemetry/adapters/http.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/web.hpp"

namespace telemetry {
namespace {

constexpr std::chrono::seconds retry{5};

constexpr std::int64_t day_ns = 86'400'000'000'000;

using Certificate = std::shared_ptr<const TlsCertificate>;

std::string time_text(std::int64_t ns) {
  std::array<char, core::time_text_bytes_max> text{};
  return {text.data(), core::format_time(ns, text)};
}

/// Connections of strangers leave descriptors to journal and stores.
std::size_t connections_max(std::size_t wanted) {
  constexpr rlim_t most = 65'536, kept = 192;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = std::max(files.rlim_cur, std::min(files.rlim_max, most));
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t left = files.rlim_cur > 2 * kept ? files.rlim_cur - kept : files.rlim_cur / 2;
  return std::min<std::size_t>(wanted, left);
}

/// Of another handler the paths that a supervisor and Prometheus ask for.
class MetricsHandler final : public web::Handler {
 public:
  explicit MetricsHandler(const std::unique_ptr<web::Handler>& all) noexcept : all_(all) {}
  web::Response handle(const web::Request& request) override {
    const std::string_view path = request.target.substr(0, request.target.find('?'));
    for (const std::string_view one : {"/metrics", "/livez", "/readyz"}) {
      if (path == one) return all_->handle(request);
    }
    return web::to_response(
        {404, "no_such_path", "here are /metrics, /livez and /readyz; all else is at web.port"});
  }
  bool is_urgent(const web::Request& request) const override { return all_->is_urgent(request); }

 private:
  const std::unique_ptr<web::Handler>& all_;
};

class HttpFrontEnd {
 public:
  HttpFrontEnd(web::ServiceOptions options, Certificate certificate, const Config& config,
               Pipeline& pipeline, Environment environment, std::shared_ptr<LiveHub> live)
      : environment_(std::move(environment)),
        config_(config),
        pipeline_(pipeline),
        certificate_(std::move(certificate)) {
    options.version = TELEMETRY_VERSION;
    options.live = std::move(live);
    options.pages = dashboard_files();
    options.warnings = [this] { return warnings(); };
    options.is_draining = [this] { return is_draining_.load(); };
    drain_ns_ = config.duration_ns("web.drain");
    const bool is_open = !web::is_loopback(options.host);
    if (is_open && !options.authenticator && !options.allow_insecure) {
      environment_.log(
          LogLevel::warn, "web",
          fmt::format("{}: nobody signs in, so 127.0.0.1 is served in the place of {}; "
                      "security.authentication.enabled: true lets people sign in",
                      config.where("web.host"), options.host));
      options.host = "127.0.0.1";
    } else if (is_open && !options.authenticator) {
      warning_ =
          "everybody who can reach the port sees everything: security.allow_insecure is true";
    } else if (is_open && !certificate_) {
      warning_ =
          "passwords and keys cross the network unencrypted: set web.tls, or let a proxy on this "
          "machine serve HTTPS";
    }
    for (const std::string& one : warnings()) environment_.log(LogLevel::warn, "web", one);
    pipeline.api().set_time_limit(config.duration_ns("web.api.query_timeout"));
    service_ = web::make_service(options, config, pipeline, environment_);
    add_listener(options.host, "web.port", *service_);
    if (config.boolean("monitoring.prometheus.enabled"))
      add_listener(options.host, "monitoring.prometheus.port", metrics_);
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }
  ~HttpFrontEnd() {
    thread_.request_stop();
    thread_.join();
    for (Listener& one : listeners_) {
      if (one.server) one.server->stop();
    }
  }
  HttpFrontEnd(const HttpFrontEnd&) = delete;
  HttpFrontEnd& operator=(const HttpFrontEnd&) = delete;

  /// Nothing while it cannot listen.
  [[nodiscard]] std::optional<std::uint64_t> rounds() const noexcept {
    const HttpServer* server = serving_;
    return server == nullptr ? std::nullopt : std::optional(server->rounds());
  }

  /// For new connections.
  void set_certificate(const Certificate& certificate) {
    {
      const std::scoped_lock lock(mutex_);
      certificate_ = certificate;
      for (Listener& one : listeners_) {
        one.options.tls = certificate;
        if (one.server) one.server->set_tls(certificate);
      }
    }
    environment_.log(LogLevel::info, "web",
                     fmt::format("new connections are served a certificate that is valid until {}",
                                 time_text(expires_at_ns(*certificate))));
    for (const std::string& one : warnings()) environment_.log(LogLevel::warn, "web", one);
  }

  void drain() {
    is_draining_ = true;
    if (drain_ns_ == 0) return;
    environment_.log(LogLevel::info, "web", "draining: /readyz says 503 (web.drain)");
    std::this_thread::sleep_for(std::chrono::nanoseconds(drain_ns_));
  }

 private:
  struct Listener {
    HttpOptions options;
    web::Handler& handler;
    std::unique_ptr<HttpServer> server = {};  // null: it could not listen yet
  };

  void add_listener(const std::string& host, const std::string& key, web::Handler& handler) {
    HttpOptions options;
    options.host = host;
    options.port = static_cast<std::uint16_t>(config_.integer(key));
    options.port_setting = key;
    options.connections_max = connections_max(options.connections_max);
    options.workers = static_cast<std::size_t>(config_.integer("performance.worker_threads"));
    options.tls = certificate_;
    listeners_.push_back({std::move(options), handler});
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> out = alerts_of(config_, pipeline_.stats());
    if (!warning_.empty()) out.push_back(warning_);
    const std::scoped_lock lock(mutex_);
    if (!certificate_) return out;
    const std::int64_t expiry = expires_at_ns(*certificate_);
    const std::int64_t left = expiry - environment_.clock.now();
    if (left < 14 * day_ns) {
      out.push_back(
          fmt::format("the certificate in web.tls.cert_file {} {}; replace both files, "
                      "then: telemetry reload",
                      left > 0 ? "expires on" : "has expired on", time_text(expiry)));
    }
    return out;
  }
  void listen(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    std::condition_variable_any wake;
    for (bool first = true;; first = false) {
      bool all = true;
      for (Listener& one : listeners_) all = try_to_listen(one, first) && all;
      if (all || wake.wait_for(lock, stop, retry, [&] { return stop.stop_requested(); })) return;
    }
  }
  bool try_to_listen(Listener& one, bool first) {
    if (one.server) return true;
    auto server = start_http_server(one.options, one.handler, environment_);
    if (server) {
      one.server = *std::move(server);
      if (&one == &listeners_.front()) serving_ = one.server.get();
      const bool v6 = one.options.host.find(':') != std::string::npos;
      environment_.log(
          LogLevel::info, "web",
          fmt::format("serving {}http{}://{}{}{}:{}/",
                      &one.handler == &metrics_ ? "metrics at " : "", one.options.tls ? "s" : "",
                      v6 ? "[" : "", one.options.host, v6 ? "]" : "", one.server->port()));
      return true;
    }
    if (first) {
      environment_.log(LogLevel::error, "web",
                       fmt::format("{}; messages are stored meanwhile; next try in {} s",
                                   to_string(server.error()), retry.count()));
    }
    return false;
  }

  const Environment environment_;
  const Config config_;
  Pipeline& pipeline_;
  std::string warning_;
  std::atomic<bool> is_draining_{false};
  std::int64_t drain_ns_ = 0;
  std::unique_ptr<web::Handler> service_;
  MetricsHandler metrics_{service_};
  mutable std::mutex mutex_;  // of the two below
  Certificate certificate_;
  std::vector<Listener> listeners_;
  std::atomic<const HttpServer*> serving_{nullptr};  // that of web.port
  std::jthread thread_;
};

}  // namespace

Result<FrontEnd> serve_http(const Config& config, Pipeline& pipeline,
                            const Environment& environment, std::shared_ptr<LiveHub> live,
                            std::shared_ptr<Activity> activity) {
  if (!config.boolean("web.enabled")) return FrontEnd();
  auto certificate = tls_certificate_from(config);
  if (!certificate) return certificate.error();
  auto options = web::service_options(config);
  if (!options) return options.error();
  if (config.boolean("security.authentication.enabled")) {
    AuthenticatorOptions accounts;
    accounts.accounts_path = accounts_path(config);
    auto authenticator = Authenticator::make(accounts, environment);
    if (!authenticator) return authenticator.error();
    options->authenticator = *std::move(authenticator);
  }
  options->activity = std::move(activity);
  const auto audit = std::make_shared<Audit>(config.text("journal.path"), environment);
  options->boards_path =
      (std::filesystem::path(audit->path()).parent_path() / "boards.json").string();
  options->audit = [audit](const web::Act& act, const Result<void>& outcome) {
    audit->write({.name = act.who,
                  .address = act.address,
                  .from = "http",
                  .what = act.what,
                  .details = act.details},
                 outcome ? Result<std::string>("{}") : outcome.error());
  };
  auto running = std::make_shared<HttpFrontEnd>(*std::move(options), *std::move(certificate),
                                                config, pipeline, environment, std::move(live));
  const bool has_tls = config.boolean("web.tls.enabled");
  auto reload = [weak = std::weak_ptr(running),
                 has_tls](const Config& now) -> Result<std::function<void()>> {
    if (!has_tls || !now.boolean("web.tls.enabled")) return std::function<void()>([] {});
    auto loaded = tls_certificate_from(now);
    if (!loaded) return loaded.error();
    return std::function<void()>([weak, loaded = *std::move(loaded)] {
      if (const auto front_end = weak.lock()) front_end->set_certificate(loaded);
    });
  };
  auto drain = [weak = std::weak_ptr(running)] {
    if (const auto front_end = weak.lock()) front_end->drain();
  };
  Heartbeat heartbeat{"the web server", [&served = *running] { return served.rounds(); }};
  return FrontEnd{std::move(running), std::move(heartbeat), std::move(reload), std::move(drain)};
}

}  // namespace telemetry
