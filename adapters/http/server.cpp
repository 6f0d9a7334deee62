// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <netinet/tcp.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "session.hpp"

namespace telemetry {
namespace {

using namespace http;
using Session = http::Session;  // telemetry::Session is one of accounts
using Executor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;

// A socket can take more as soon as little of it is unsent: not for a minute, on a slow line, if
// the kernel may hold megabytes. So write_timeout sees that the client takes what it gets.
using UnsentMax = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
constexpr int unsent_bytes_max = 128 * 1024;

constexpr auto tick = std::chrono::milliseconds(500);
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr std::size_t refused_max = 64;  // connections over the limit that are told so

Error listen_error(const HttpOptions& options, const boost::system::error_code& error) {
  const bool v6 = options.host.find(':') != std::string::npos;
  const std::string place =
      fmt::format("{}{}{}:{}", v6 ? "[" : "", options.host, v6 ? "]" : "", options.port);
  if (error == asio::error::address_in_use) {
    return {Errc::already_exists,
            fmt::format("{} is taken by another program; stop that, or set another {}", place,
                        options.port_setting)};
  }
  if (error == asio::error::access_denied) {
    return {Errc::permission_denied,
            fmt::format("this process may not listen on {}; set a {} of 1024 or more", place,
                        options.port_setting)};
  }
  return {Errc::invalid_argument, fmt::format("cannot listen on {}: {}; set web.host to an address "
                                              "of this machine",
                                              place, error.message())};
}

class Server final : public HttpServer {
 public:
  Server(const HttpOptions& options, web::Handler& handler, Environment environment)
      : options_(options),
        tls_(options.tls),
        environment_(std::move(environment)),
        workers_(options.workers, options.waiting_max),
        shared_{options_, handler, environment_, io_, workers_, {}, false},
        acceptor_(io_.get_executor()),
        timer_(io_.get_executor()),
        pause_(io_.get_executor()) {}

  ~Server() override { stop(); }

  Result<void> open() {
    boost::system::error_code error;
    // Without a name, the resolver takes every address of this machine.
    if (options_.host.empty()) return listen_error(options_, asio::error::host_not_found);
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(io_.get_executor());
    const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                        asio::ip::resolver_base::passive, error);
    if (error) return listen_error(options_, error);
    const asio::ip::tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return listen_error(options_, error);
    port_ = acceptor_.local_endpoint().port();
    accept();
    watch();
    thread_ = std::thread([this] {
      // OpenSSL writes where the client may have left.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      io_.run();
    });
    return {};
  }

  std::uint16_t port() const noexcept override { return port_; }
  std::uint64_t rounds() const noexcept override { return rounds_; }

  void set_tls(std::shared_ptr<const TlsCertificate> tls) override {
    asio::post(io_, [this, tls = std::move(tls)] { tls_ = tls; });
  }

  void stop() override {
    std::call_once(stopped_, [this] {
      if (!thread_.joinable()) return;
      asio::post(io_, [this] {
        shared_.stopping = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        drained_by_ = Steady::now() + std::chrono::nanoseconds(options_.drain_ns);
        each([&](Connection& one) { one.stop(); });
        watch();
      });
      thread_.join();
      workers_.join();
    });
  }

 private:
  /// A connection that waits may end, and leave the list, at once.
  template <class Act>
  void each(const Act& act) {
    for (auto next = shared_.sessions.begin(); next != shared_.sessions.end();) act(**next++);
  }

  void accept() {
    acceptor_.async_accept(io_.get_executor(), [this](const auto& error, Socket socket) {
      if (shared_.stopping || error == asio::error::operation_aborted) return;
      if (!error) {
        take(std::move(socket));
        accept();
        return;
      }
      // Out of descriptors: connections wait in the kernel until one is free.
      pause_.expires_after(accept_pause);
      pause_.async_wait([this](const auto& cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  void take(Socket socket) {
    boost::system::error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;
    socket.set_option(asio::ip::tcp::no_delay(true), error);
    socket.set_option(UnsentMax(unsent_bytes_max), error);
    socket.non_blocking(true, error);
    auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    const std::size_t open = shared_.sessions.size();
    if (open >= options_.connections_max + refused_max) return;
    std::optional<web::Problem> refusal;
    if (open >= options_.connections_max) {
      refusal = {503,
                 "too_many_connections",
                 fmt::format("{} connections are open, which is the limit; try again later",
                             options_.connections_max),
                 {},
                 5};
    }
    // One client may have 2^64 addresses of IPv6: its network takes turns.
    const std::string client = address.is_v6()
                                   ? asio::ip::make_network_v6(address.to_v6(), 64).to_string()
                                   : address.to_string();
    std::make_shared<Session>(shared_, Wire(std::move(socket), tls_.get()), address.to_string(),
                              client)
        ->start(std::move(refusal));
  }

  /// Looks for what has waited too long, and for the end.
  void watch() {
    ++rounds_;
    timer_.expires_after(tick);
    if (shared_.stopping) {
      const auto now = Steady::now();
      if (shared_.sessions.empty()) {
        timer_.cancel();
        io_.stop();
        return;
      }
      if (now >= drained_by_) {
        each([](Connection& one) { one.close(); });
      }
      timer_.expires_after(std::chrono::milliseconds(10));
    }
    timer_.async_wait([this](const auto& cancelled) {
      if (cancelled) return;
      const auto now = Steady::now();
      each([now](Connection& one) { one.expire(now); });
      watch();
    });
  }

  const HttpOptions options_;
  std::shared_ptr<const TlsCertificate> tls_;  // of new connections; null: plain
  const Environment environment_;
  asio::io_context io_{1};
  Workers workers_;
  Shared shared_;
  Acceptor acceptor_;
  Timer timer_, pause_;
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> rounds_{0};
  Steady::time_point drained_by_;
  std::once_flag stopped_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> start_http_server(const HttpOptions& options,
                                                      web::Handler& handler,
                                                      Environment environment) {
  auto server = std::make_unique<Server>(options, handler, std::move(environment));
  if (auto opened = server->open(); !opened) return opened.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace telemetry
