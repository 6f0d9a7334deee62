// SPDX-License-Identifier: Apache-2.0
#include <mutex>
std::mutex append;
