// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/text_tree.hpp"

namespace telemetry::schemas {

using config::Position;
using config::Tree;
using config::TreeNode;

}  // namespace telemetry::schemas
