// SPDX-License-Identifier: Apache-2.0
//
// What a device sends becomes one document a reading, with the members that the schema declares, in
// the types that it declares. The tables then judge this document as they judge any payload; so
// rules, lenient mode, defaults and undeclared members are the same everywhere, and a schema that
// uses nothing of this pays nothing.
//
// payload -> text of its form -> tree -> records -> for each: device, document, and the payload
// that a journal keeps of it.
//
// A journal keeps a message of one reading as it came, unless its form needs births, which may not
// be known any more when it is read back. Of N readings each has a payload of its own:
// the document with this one record in the place of all, and with those members around it that are
// short, or that the schema names. So each is a valid message for the same schema, which unfolds to
// the same reading: it is read back, replayed and imported as any other is. That it is JSON by now,
// whatever the form, is the frame's flag.
//
// Bounds: readings_max a message, values_max in one payload, made_bytes_max of what is made of it.
#include "schema/unfolding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/core/limits.hpp"

namespace telemetry::schemas {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t values_max = 500'000;
constexpr std::size_t made_bytes_max = 4 * core::payload_bytes_max;
constexpr std::size_t kept_bytes_max = 128;  // of a member around the records that nobody names
constexpr std::size_t kept_memory_max = 1024 * 1024;
constexpr char separator = '\x1f';

bool is_scalar(const JsonValue& value) {
  return value.kind != Kind::object && value.kind != Kind::array;
}

std::string joined(std::string_view chain, std::string_view name) {
  std::string out(chain);
  if (!out.empty()) out += separator;
  out += name;
  return out;
}

void append_key(std::string_view name, std::string& out) {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return static_cast<signed char>(c) >= ' ' && c != '"' && c != '\\' && c != 0x7F;
  });
  if (plain) {
    out += '"';
    out += name;
    out += "\":";
  } else {
    out += json_string(name);
    out += ':';
  }
}

/// What a text means to a condition: members of an object, or `value`.
Truth meets(const Condition& condition, std::string_view json, std::string_view topic,
            std::string_view device) {
  const bool object = without_blanks(json).starts_with('{');
  return evaluate(condition, [&](const Condition& leaf) {
    if (leaf.is_of_topic()) return leaf_meets_text(leaf, leaf.field == "topic" ? topic : device);
    if (object) return leaf_meets_json(leaf, json, leaf.field);
    if (leaf.field == "value" && !json.empty()) return leaf_meets_json(leaf, json, {});
    return leaf_meets_json(leaf, "{}", leaf.field);
  });
}

}  // namespace

Unfolding::Unfolding(const SchemaSpec& schema) : schema_(schema) {
  plans_ = plan(schema.fields, mapped_);
  if (!schema.device.empty() && schema.device != SchemaSpec::no_device &&
      schema.device.find('{') != schema.device.npos) {
    if (auto parsed = Template::parse(schema.device, schema.names())) device_ = std::move(*parsed);
  }
  if (mapped_) note_paths(plans_);
  if (device_) {
    for (const Path* path : device_->paths()) {
      if (path->from_document()) note_path(*path);
    }
  }
  is_plain_ = !mapped_ && !device_ && schema.drop.empty() && schema.records.key.empty() &&
              (schema.payload.is_bare() ? schema.records.each.text().empty()
                                        : !schema.pattern.names_field());
  to_records_ = schema.records.each.member_names();
  const std::string& form = schema.payload.form.form;
  of_lines_ =
      is_plain_ && schema.records.each.text() == "." && form != "json" && !schema.payload.is_bare();
  if (schema.when) {
    const auto note = [&](const auto& self, const Condition& condition) -> void {
      for (const Condition& operand : condition.operands) self(self, operand);
      if (condition.is_leaf())
        addressed_.insert(condition.field.substr(0, condition.field.find('.')));
    };
    note(note, *schema.when);
  }
}

std::vector<Unfolding::FieldPlan> Unfolding::plan(const std::vector<FieldSpec>& fields,
                                                  bool& mapped) {
  std::vector<FieldPlan> plans;
  const std::vector<std::string> names = schema_.names();
  for (const FieldSpec& field : fields) {
    FieldPlan& made = plans.emplace_back();
    made.names.push_back(field.name);
    made.names.insert(made.names.end(), field.aliases.begin(), field.aliases.end());
    append_key(field.name, made.key);
    made.is_number =
        field.type == core::FieldType::integer || field.type == core::FieldType::number;
    for (const std::string& text : field.from) {
      if (auto parsed = Template::parse(text, names)) made.from.push_back(std::move(*parsed));
    }
    ConversionSpec conversion = field.conversion;
    if (field.type == core::FieldType::timestamp && conversion.zone.empty())
      conversion.zone = schema_.zone;
    if (!conversion.is_none()) {
      const auto zone = TimeZone::find(conversion.zone.empty() ? "UTC" : conversion.zone);
      made.conversion.emplace(conversion, field.type, zone ? *zone : TimeZone(),
                              schema_.zone_offset_s, field.time_format, schema_.lenient);
    }
    bool inside = false;
    if (field.type == core::FieldType::object) made.fields = plan(field.fields, inside);
    if (!inside) made.fields.clear();
    mapped = mapped || made.is_mapped();
  }
  return plans;
}

void Unfolding::note_paths(const std::vector<FieldPlan>& plans) {
  for (const FieldPlan& one : plans) {
    for (const Template& from : one.from) {
      for (const Path* path : from.paths()) note_path(*path);
    }
    note_paths(one.fields);
  }
}

void Unfolding::note_path(const Path& path) {
  std::string chain;
  const auto names = path.member_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    chain = joined(chain, names[i]);
    if (path.from_document()) addressed_.insert(chain);
    // Without records the document is the record.
    if (path.from_document() && !schema_.records.each.text().empty()) continue;
    (i + 1 == names.size() && !path.picks_entry() ? taken_ : taken_in_).insert(chain);
  }
}

/// The text around each record in the payloads of a message of several.
struct Unfolding::Pieces {
  std::string before = {};
  std::string behind = {};
  bool keyed = false;  // the record's key stands before it
};

/// Memory of a run that the next one takes over.
struct Unfolding::Scratch {
  JsonTree memory;
  Form::Scratch form;
  std::string made;
  std::vector<JsonValue> documents;
  std::vector<NamedText> names;
  std::string name;
  std::string document;
  std::string converted;

  static Scratch& of_thread() {
    thread_local Scratch scratch;
    // One large message must not hold its memory for ever.
    if (scratch.memory.capacity() > kept_memory_max) scratch = Scratch();
    scratch.memory.clear();
    scratch.documents.clear();
    scratch.names.clear();
    return scratch;
  }
};

/// One payload.
class Unfolding::Run {
 public:
  Run(const Unfolding& plan, const UnfoldInput& input, Scratch& scratch)
      : plan_(plan),
        schema_(plan.schema_),
        input_(input),
        memory_(scratch.memory),
        form_(scratch.form),
        made_(scratch.made),
        documents_(scratch.documents),
        names_(scratch.names),
        name_(scratch.name),
        document_(scratch.document),
        converted_(scratch.converted) {}

  /// The payload as JSON text. False: `refused` says why.
  /// @param wrap a bare value is to be the member of an object in any case
  bool read_text(bool wrap) {
    text_ = input_.payload;
    const auto& form = schema_.payload.reader;
    if (input_.unfolded || !form || form->is_document()) return true;
    constexpr std::string_view before = "{\"value\":";
    const bool bare = schema_.payload.is_bare();
    made_.clear();
    if (bare && wrap) made_ = before;
    const auto documents = form->read(input_.payload, made_, form_, {input_.topic, input_.births});
    if (!documents) return refuse(core::Rule::form, documents.error().context);
    if (bare && !wrap && (made_.starts_with('{') || made_.starts_with('['))) {
      made_.insert(0, before);
      wrap = true;
    }
    if (bare && wrap) made_ += '}';
    text_ = made_;
    empty_ = *documents == 0;
    return true;
  }

  bool parse() {
    if (empty_) return true;
    std::string refusal;
    std::string_view rest = text_;
    do {
      JsonValue one;
      if (!outline(rest, one) && !memory_.parse(rest, values_max, one, refusal))
        return refuse(core::Rule::form, "the payload " + refusal);
      const auto end =
          static_cast<std::size_t>(one.written.data() + one.written.size() - rest.data());
      rest = without_blanks(rest.substr(end));
      documents_.push_back(one);
      if (!rest.empty() && schema_.records.each.text() != ".")
        return refuse(core::Rule::form,
                      fmt::format("the payload goes on behind its first document, at byte {}; "
                                  "records: . reads them all",
                                  end + 1));
      if (documents_.size() > readings_max) return too_many(documents_.size());
    } while (!rest.empty());
    return true;
  }

  /// A document into whose records only the tables look. @returns false: its tree is needed.
  bool outline(std::string_view text, JsonValue& out) {
    if (!plan_.is_plain_) return false;
    if (plan_.of_lines_ && !input_.unfolded && text.starts_with('{')) {
      out.kind = Kind::object;
      out.written = text.substr(0, text.find('\n'));
      return true;
    }
    if (!schema_.records.each.text().empty())
      return memory_.outline(text, values_max, plan_.to_records_, out);
    out.written = without_blanks(text);
    if (out.written.empty()) return false;
    out.kind = kind_of(out.written.front());
    if (schema_.payload.is_bare() && !input_.unfolded)
      return out.kind != Kind::object || !schema_.pattern.names_field();
    return out.kind == Kind::object;
  }

  /// Calls `each` for every record. False: `refused` says why.
  template <class Each>
  bool visit(Each each) {
    const Path& path = schema_.records.each;
    for (const JsonValue& document : documents_) {
      if (path.text().empty()) {
        if (!each(document, document, std::string_view(), nullptr)) return false;
        continue;
      }
      JsonValue found;
      const Place place{document, document, {}, memory_};
      if (!path.find(place, found))
        return refuse(core::Rule::records,
                      fmt::format("the payload has nothing at '{}'", path.text()));
      const bool by_key = found.kind == Kind::object && !schema_.records.key.empty();
      if (found.kind != Kind::array && !by_key) {
        if (is_scalar(found) && path.text() != ".")
          return refuse(core::Rule::records,
                        fmt::format("the payload has {} at '{}', where an array is wanted",
                                    excerpt(found.written), path.text()));
        Pieces pieces;
        around(document, "", "", pieces);
        if (!each(found, document, std::string_view(), &pieces)) return false;
        continue;
      }
      if (found.inside.size() > readings_max) return too_many(found.inside.size());
      Pieces pieces{.keyed = by_key};
      around(document, by_key ? "{" : "[", by_key ? "}" : "]", pieces);
      for (const JsonMember& item : found.inside) {
        if (!each(item.value, document, item.name, &pieces)) return false;
      }
    }
    return true;
  }

  Unfolded go(Arena& arena, std::vector<Record>& out) {
    Unfolded result;
    if (schema_.drop_all || (schema_.drop_empty && without_blanks(input_.payload).empty())) {
      // A birth says names although it is no reading here.
      if (schema_.payload.needs_births()) (void)read_text(false);
      result.dropped = 1;
      return result;
    }
    if (!read_text(!plan_.is_plain_) || !parse()) return refused_;
    schema_.pattern.read(input_.topic, memory_, names_);
    const std::size_t first = out.size();
    const std::size_t topic_names = names_.size();
    std::size_t bytes = 0;
    const bool good = visit([&](const JsonValue& record, const JsonValue& document,
                                std::string_view key, const Pieces* pieces) {
      names_.resize(topic_names);
      if (!schema_.records.key.empty()) names_.push_back({schema_.records.key, key});
      const Place place{record, document, names_, memory_};
      const std::string_view device = device_of(place);
      if (drops(record, device)) {
        ++result.dropped;
        return true;
      }
      if (out.size() - first == readings_max) return too_many(readings_max + 1);
      Record& made = out.emplace_back();
      // Else it views the topic, or the schema.
      made.device = plan_.device_ || schema_.pattern.joins_device() ? arena.copy(device) : device;
      std::string_view kept_record;
      if (pieces != nullptr) made.payload = kept(*pieces, key, record, arena, kept_record);
      if (!is_own_document(record))
        made.document = arena.copy(document_of(place));
      else if (pieces != nullptr)
        made.document = kept_record;
      else
        made.document =
            text_.data() == input_.payload.data() ? record.written : arena.copy(record.written);
      bytes += made.payload.size() + made.document.size();
      if (bytes > made_bytes_max)
        return refuse(
            core::Rule::records,
            fmt::format(
                "the payload becomes more than {} bytes: {} readings, each with what stands "
                "around it",
                made_bytes_max, out.size() - first));
      return true;
    });
    if (!good) {
      out.resize(first);
      return refused_;
    }
    result.made = !input_.unfolded && (out.size() - first > 1 || schema_.payload.needs_births());
    if (!result.made && out.size() - first == 1) out.back().payload = input_.payload;
    return result;
  }

  [[nodiscard]] bool met_by_text(const Condition& condition) {
    schema_.pattern.read(input_.topic, memory_, names_);
    return meets(condition, text_, input_.topic, device_name()) == Truth::yes;
  }

 private:
  bool refuse(core::Rule rule, std::string reason) {
    refused_.refusal = rule;
    refused_.reason = std::move(reason);
    return false;
  }
  bool too_many(std::size_t count) {
    return refuse(core::Rule::records,
                  fmt::format("the payload has {} readings; the limit of one message is {}", count,
                              readings_max));
  }

  [[nodiscard]] std::string_view device_name() const {
    for (const NamedText& name : names_) {
      if (name.name == "device") return name.text;
    }
    return {};
  }

  [[nodiscard]] std::string_view device_of(const Place& place) const {
    if (schema_.device == SchemaSpec::no_device) return {};
    if (plan_.device_) {
      JsonValue found;
      std::string_view text;
      return plan_.device_->find(place, found) && scalar_text(found, text) ? text
                                                                           : std::string_view();
    }
    return schema_.device.empty() ? device_name() : std::string_view(schema_.device);
  }

  [[nodiscard]] bool drops(const JsonValue& record, std::string_view device) const {
    return std::ranges::any_of(schema_.drop, [&](const auto& condition) {
      return meets(*condition, record.written, input_.topic, device) == Truth::yes;
    });
  }

  /// What the journal keeps of a record of several; `inside` is the record in it.
  std::string_view kept(const Pieces& pieces, std::string_view key, const JsonValue& record,
                        Arena& arena, std::string_view& inside) {
    name_.clear();
    if (pieces.keyed) append_key(key, name_);
    const std::size_t begin = pieces.before.size() + name_.size();
    const auto room = arena.allocate(begin + record.written.size() + pieces.behind.size());
    char* to = room.data();
    for (const std::string_view part : {std::string_view(pieces.before), std::string_view(name_),
                                        record.written, std::string_view(pieces.behind)})
      to = std::copy(part.begin(), part.end(), to);
    const std::string_view all(room.data(), room.size());
    inside = all.substr(begin, record.written.size());
    return all;
  }

  /// The document around `found`, as far as it is kept.
  void around(const JsonValue& document, std::string_view open, std::string_view close,
              Pieces& pieces) const {
    JsonValue at = document;
    std::string chain;
    for (const std::string_view name : schema_.records.each.member_names()) {
      pieces.before += '{';
      for (const JsonMember& member : at.inside) {
        if (member.name == name || !keeps(member, chain)) continue;
        append_key(member.name, pieces.before);
        pieces.before += member.value.written;
        pieces.before += ',';
      }
      append_key(name, pieces.before);
      pieces.behind.insert(0, "}");
      chain = joined(chain, name);
      if (const JsonValue* next = at.find(name)) at = *next;
    }
    pieces.before += open;
    pieces.behind.insert(0, close);
  }
  [[nodiscard]] bool keeps(const JsonMember& member, std::string_view chain) const {
    if (is_scalar(member.value) && member.value.written.size() <= kept_bytes_max) return true;
    return plan_.addressed_.contains(joined(chain, member.name));
  }

  [[nodiscard]] bool is_own_document(const JsonValue& record) const {
    return !plan_.mapped_ && record.kind == Kind::object &&
           !(schema_.pattern.names_field() && is_bare(record));
  }
  std::string_view document_of(const Place& place) {
    const bool object = place.record.kind == Kind::object;
    const bool named_field = schema_.pattern.names_field() && is_bare(place.record);
    document_.clear();
    if (!plan_.mapped_ && !object) {
      append_under(named_field ? field_name() : "value", place.record.written);
      return document_;
    }
    JsonValue wrapped = place.record;
    if (named_field) {
      wrapped = under_field(object ? place.record.inside.front().value : place.record);
    } else if (!object) {
      JsonMember value{"value", place.record};
      wrapped = memory_.make(Kind::object, {&value, 1});
    }
    if (!plan_.mapped_) {
      append_object(wrapped);
    } else {
      const Place inner{wrapped, place.document, place.names, place.memory};
      build(plan_.plans_, &wrapped, inner, "");
    }
    return document_;
  }

  /// A bare value as a payload: it has the name of the topic's level.
  [[nodiscard]] bool is_bare(const JsonValue& record) const {
    return record.kind != Kind::object || (schema_.payload.is_bare() && !input_.unfolded);
  }
  [[nodiscard]] std::string_view field_name() const {
    for (const NamedText& name : names_) {
      if (name.name == "field") return name.text;
    }
    return {};
  }
  /// Levels of a name that has several are objects in each other.
  void append_under(std::string_view name, std::string_view value) {
    std::size_t open = 0;
    for (std::size_t begin = 0; begin <= name.size(); ++open) {
      const std::size_t end = std::min(name.find('/', begin), name.size());
      document_ += '{';
      append_key(name.substr(begin, end - begin), document_);
      begin = end + 1;
    }
    document_ += value;
    document_.append(open, '}');
  }
  JsonValue under_field(const JsonValue& value) {
    std::string_view name = field_name();
    JsonValue out = value;
    for (;;) {
      const std::size_t slash = name.rfind('/');
      JsonMember member{name.substr(slash == name.npos ? 0 : slash + 1), out};
      out = memory_.make(Kind::object, {&member, 1});
      if (slash == name.npos) return out;
      name = name.substr(0, slash);
    }
  }

  void append_object(const JsonValue& object) {
    document_ += '{';
    for (const JsonMember& member : object.inside) {
      if (&member != object.inside.data()) document_ += ',';
      append_key(member.name, document_);
      append_value(member.value);
    }
    document_ += '}';
  }
  /// What was made here has no text yet.
  void append_value(const JsonValue& value) {
    if (value.written.empty())
      append_object(value);
    else
      document_ += value.written;
  }

  void begin_member(bool& first) {
    if (!first) document_ += ',';
    first = false;
  }

  void build(const std::vector<FieldPlan>& plans, const JsonValue* object, const Place& place,
             const std::string& chain) {
    document_ += '{';
    bool first = true;
    for (const FieldPlan& one : plans) build_member(one, object, place, chain, first);
    if (object != nullptr) {
      for (const JsonMember& member : object->inside) {
        if (is_declared(plans, member.name) || is_taken(chain, member.name)) continue;
        begin_member(first);
        append_key(member.name, document_);
        append_value(member.value);
      }
    }
    document_ += '}';
  }

  void build_member(const FieldPlan& one, const JsonValue* object, const Place& place,
                    const std::string& chain, bool& first) {
    const std::size_t undo = document_.size();
    const bool was_first = first;
    if (!one.from.empty() || one.fields.empty()) {
      if (one.from.empty()) {
        // Every one that is there: the tables find what comes twice.
        for (const std::string& name : one.names) {
          const JsonValue* value = object == nullptr ? nullptr : object->find(name);
          if (value != nullptr) append_member(one, *value, first);
        }
        return;
      }
      JsonValue value;
      for (const Template& from : one.from) {
        if (!from.find(place, value) || value.kind == Kind::null) continue;
        // Levels of a topic and parts of a template are texts by nature.
        if (one.is_number && !from.is_path() && text_number(value.text)) {
          value.kind = Kind::number;
          value.written = value.text;
        }
        if (append_member(one, value, first)) return;
      }
      return;
    }
    const JsonValue* inner = nullptr;
    for (const std::string& name : one.names) {
      if (inner == nullptr && object != nullptr) inner = object->find(name);
    }
    if (inner != nullptr && inner->kind != Kind::object && inner->kind != Kind::null) {
      append_member(one, *inner, first);
      return;
    }
    begin_member(first);
    document_ += one.key;
    const std::size_t begin = document_.size();
    build(one.fields, inner == nullptr || inner->kind == Kind::null ? nullptr : inner, place,
          joined(chain, one.names.front()));
    if (inner == nullptr && document_.size() == begin + 2) {  // nothing in it, and not there
      document_.resize(undo);
      first = was_first;
    }
  }

  /// @returns false when it stands for no value.
  bool append_member(const FieldPlan& one, const JsonValue& value, bool& first) {
    converted_.clear();
    const auto outcome = one.conversion
                             ? one.conversion->apply(value, input_.received_at, converted_)
                             : Conversion::Outcome::as_it_is;
    if (outcome == Conversion::Outcome::absent) return false;
    begin_member(first);
    document_ += one.key;
    if (outcome == Conversion::Outcome::converted)
      document_ += converted_;
    else
      append_value(value);
    return true;
  }

  [[nodiscard]] static bool is_declared(const std::vector<FieldPlan>& plans,
                                        std::string_view name) {
    return std::ranges::any_of(plans, [&](const FieldPlan& one) {
      return std::ranges::find(one.names, name) != one.names.end();
    });
  }
  [[nodiscard]] bool is_taken(std::string_view chain, std::string_view name) {
    if (!chain.empty()) {
      name_.assign(chain) += separator;
      name_ += name;
      name = name_;
    }
    return plan_.taken_.contains(name) ||
           (!schema_.allow_extra_fields && plan_.taken_in_.contains(name));
  }

  const Unfolding& plan_;
  const SchemaSpec& schema_;
  const UnfoldInput& input_;
  JsonTree& memory_;
  Form::Scratch& form_;
  std::string& made_;
  std::vector<JsonValue>& documents_;
  std::vector<NamedText>& names_;
  std::string& name_;  // of a record
  std::string& document_;
  std::string& converted_;
  std::string_view text_;
  bool empty_ = false;  // no document at all
  Unfolded refused_;
};

Unfolded Unfolding::run(const UnfoldInput& input, Arena& arena, std::vector<Record>& out) const {
  return Run(*this, input, Scratch::of_thread()).go(arena, out);
}

bool Unfolding::takes(const UnfoldInput& input) const {
  Run one(*this, input, Scratch::of_thread());
  return one.read_text(true) && one.met_by_text(*schema_.when);
}

}  // namespace telemetry::schemas
