def test_emulators_that_start_at_the_same_moment_have_a_port_each():
    from bot.demo.processes import EmulatorProcess

    emulators = [EmulatorProcess() for _ in range(3)]
    try:
        for emulator in emulators:
            emulator.wait()
        assert len({emulator.url for emulator in emulators}) == 3
        emulators[0].close()
        assert emulators[1].get("traffic")["connections"] == 0
    finally:
        for emulator in emulators:
            emulator.close()
