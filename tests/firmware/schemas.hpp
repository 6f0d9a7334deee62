// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "core/sample_schemas.hpp"
#include "firmware/vectors.hpp"

namespace telemetry::test_vectors {

inline constexpr std::array<NamedSchema, 2> schemas{{
    {"sensor", core::test::sensor::schema},
    {"meter", core::test::meter::schema},
}};

}  // namespace telemetry::test_vectors
