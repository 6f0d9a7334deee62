#include <CLI/App.hpp>
