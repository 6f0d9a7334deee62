// SPDX-License-Identifier: Apache-2.0
#include "gateway/front_end.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
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

class FrontEnd {
 public:
  FrontEnd(web::ServiceOptions options, const Config& config, Pipeline& pipeline,
           Environment environment, std::shared_ptr<LiveHub> live)
      : environment_(std::move(environment)) {
    options.version = TELEMETRY_VERSION;
    options.live = std::move(live);
    http_.host = options.host;
    http_.port = static_cast<std::uint16_t>(config.integer("web.port"));
    http_.connections_max = connections_max(http_.connections_max);
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
  ~FrontEnd() {
    thread_.request_stop();
    thread_.join();
    if (server_) server_->stop();
  }
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

 private:
  void listen(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    for (bool first = true;; first = false) {
      auto server = start_http_server(http_, *service_, environment_);
      if (server) {
        server_ = *std::move(server);
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
  std::jthread thread_;
};

}  // namespace

Result<std::shared_ptr<void>> serve_http(const Config& config, Pipeline& pipeline,
                                         const Environment& environment,
                                         std::shared_ptr<LiveHub> live) {
  if (!config.boolean("web.enabled")) return std::shared_ptr<void>();
  auto options = web::service_options(config);
  if (!options) return options.error();
  if (config.boolean("security.authentication.enabled")) {
    AuthenticatorOptions accounts;
    accounts.accounts_path = accounts_path(config);
    auto authenticator = Authenticator::make(accounts, environment);
    if (!authenticator) return authenticator.error();
    options->authenticator = *std::move(authenticator);
  }
  return std::shared_ptr<void>(std::make_shared<FrontEnd>(*std::move(options), config, pipeline,
                                                          environment, std::move(live)));
}

}  // namespace telemetry
