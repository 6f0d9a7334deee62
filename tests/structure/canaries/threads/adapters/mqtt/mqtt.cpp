// SPDX-License-Identifier: Apache-2.0
#include <thread>
std::jthread reader;
