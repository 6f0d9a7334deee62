// SPDX-License-Identifier: Apache-2.0
#include "process/requests.hpp"

#include <fmt/format.h>

#include <memory>
#include <mutex>

#include "process/import_file.hpp"
#include "process/letter_request.hpp"
#include "telemetry/export.hpp"

namespace telemetry {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

}  // namespace

control::Handlers request_handlers(Pipeline& pipeline, Reloader& reloader,
                                   const std::string& journal_path,
                                   const Environment& environment) {
  control::Handlers handlers;
  handlers["status"] = [&pipeline](std::string_view, const control::Progress&) {
    const PipelineStats stats = pipeline.stats();
    return Result<std::string>(
        fmt::format(R"({{"json":{},"text":{}}})", to_json(stats), json_text(to_text(stats))));
  };
  handlers["reload"] = [&reloader](std::string_view, const control::Progress&) {
    auto reloaded = reloader.reload_now();
    if (!reloaded) return Result<std::string>(std::move(reloaded).error());
    return Result<std::string>(fmt::format(R"({{"text":{}}})", json_text(*reloaded)));
  };
  const auto one_at_a_time = std::make_shared<std::mutex>();
  handlers["import"] = [&pipeline, journal_path, environment, one_at_a_time](
                           std::string_view arguments, const control::Progress&) {
    auto path = control::text_member(arguments, "path");
    if (!path) return Result<std::string>(std::move(path).error());
    const std::lock_guard lock(*one_at_a_time);
    auto report = import_file(pipeline.ingest(), journal_path, *path, environment);
    if (!report) return Result<std::string>(std::move(report).error());
    return Result<std::string>(fmt::format(R"({{"json":{},"text":{}}})", to_json(*report, *path),
                                           json_text(to_text(*report, *path))));
  };
  const auto with_letters = [&pipeline](std::string_view arguments,
                                        const auto& work) -> Result<std::string> {
    auto selection = selection_from(arguments);
    if (!selection) return std::move(selection).error();
    DeadLetterSink* const letters = pipeline.dead_letters();
    if (letters == nullptr) return Error{Errc::failed_precondition, "no dead letters are kept"};
    const std::lock_guard held(letters->handling());
    return work(*letters, *selection);
  };
  handlers["dead_letter_replay"] = [&pipeline, environment, with_letters](
                                       std::string_view arguments,
                                       const control::Progress& progress) {
    const bool refused = control::json_member(arguments, "refused") == "true";
    return with_letters(
        arguments,
        [&](DeadLetterSink& letters, const LetterSelection& selection) -> Result<std::string> {
          auto report =
              replay_letters(pipeline.ingest(), letters, selection, refused, environment,
                             [&](const ReplayReport& so_far) { return progress(to_json(so_far)); });
          if (!report) return std::move(report).error();
          return fmt::format(R"({{"json":{},"text":{}}})", to_json(*report),
                             json_text(to_text(*report)));
        });
  };
  handlers["dead_letter_drop"] = [&pipeline, environment, with_letters](std::string_view arguments,
                                                                        const control::Progress&) {
    return with_letters(
        arguments,
        [&](DeadLetterSink& letters, const LetterSelection& selection) -> Result<std::string> {
          auto dropped = drop_letters(pipeline.ingest(), letters, selection, environment);
          if (!dropped) return std::move(dropped).error();
          return fmt::format(R"({{"dropped":{}}})", *dropped);
        });
  };
  handlers["delete"] = [&pipeline](std::string_view arguments,
                                   const control::Progress& progress) -> Result<std::string> {
    auto deletion = parse_deletion(arguments);
    if (!deletion) return std::move(deletion).error();
    const auto report =
        pipeline.erase(Principal::local(), *deletion, [&](const std::string& store) {
          return progress(fmt::format(R"({{"store":{}}})", json_text(store)));
        });
    if (!report) return report.error();
    return to_json(*report);
  };
  handlers["retention"] = [&pipeline](std::string_view,
                                      const control::Progress& progress) -> Result<std::string> {
    const auto report = pipeline.retain([&](const std::string& store) {
      return progress(fmt::format(R"({{"store":{}}})", json_text(store)));
    });
    if (!report) return report.error();
    return fmt::format(R"({{"json":{},"text":{}}})", to_json(*report),
                       json_text(to_text(*report, RetentionTense::past)));
  };
  return handlers;
}

}  // namespace telemetry
