// Another program's reader on our files: libxdf must find the same streams, stamps and values.
// Usage: read_with_libxdf FILE EXPECTED.txt
// EXPECTED.txt, one line each:  stream NAME CHANNELS | sample STAMP VALUE... | strings NAME COUNT
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <xdf.h>

namespace
{

int failed = 0;

void expect(bool good, const std::string &what)
{
    if (!good) {
        std::cerr << what << '\n';
        failed = 1;
    }
}

const Xdf::Stream *find(const Xdf &xdf, const std::string &name)
{
    for (const Xdf::Stream &stream : xdf.streams) {
        if (stream.info.name == name) {
            return &stream;
        }
    }
    return nullptr;
}

} // namespace

int main(int argc, char **argv)
{
    Xdf xdf;
    if (argc != 3 || xdf.load_xdf(argv[1]) != 0) {
        std::cerr << "cannot be read\n";
        return 1;
    }
    std::ifstream expected(argv[2]);
    std::map<std::string, size_t> strings; // libxdf keeps strings as events, by stream
    for (const auto &event : xdf.eventMap) {
        strings[xdf.streams[static_cast<size_t>(event.second)].info.name]++;
    }
    const Xdf::Stream *stream = nullptr;
    size_t at = 0;
    size_t samples = 0;
    for (std::string line; std::getline(expected, line);) {
        std::istringstream words(line);
        std::string word;
        std::string name;
        size_t count = 0;
        words >> word;
        if (word == "stream") {
            words >> name >> count;
            stream = find(xdf, name);
            at = 0;
            if (stream == nullptr) {
                std::cerr << name << " is missing\n";
                return 1;
            }
            expect(stream->time_series.size() == count, name + ": channels");
        } else if (word == "strings") {
            words >> name >> count;
            expect(strings[name] == count, name + ": " + std::to_string(strings[name]) +
                                               " strings, not " + std::to_string(count));
        } else if (stream != nullptr) {
            words >> word;
            expect(at < stream->time_stamps.size() && stream->time_stamps[at] == std::stod(word),
                   "stamp " + word);
            for (size_t c = 0; words >> word; c++) {
                float value = static_cast<float>(std::stod(word)); // libxdf keeps floats
                expect(stream->time_series.at(c).at(at) == value, "value " + word);
            }
            at++;
            samples++;
        }
    }
    std::printf("libxdf: %zu samples %s\n", samples, failed != 0 ? "DIFFER" : "agree");
    return failed;
}
